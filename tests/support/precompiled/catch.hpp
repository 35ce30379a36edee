// What every test includes and none changes, compiled once for each program: half of what compiling the tests would
// take otherwise. A test still includes what it uses, so that each can be compiled alone.
#include "../../catch.hpp"
