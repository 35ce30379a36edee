// The one answer to a compiler that is not set to C++20. Headers that include no other header of this library include
// this one first. Declares nothing.
#pragma once

#if __cplusplus < 202002L
#error "lio-uring needs C++20: compile with -std=c++20 or newer (meson: cpp_std=c++20, CMake: CMAKE_CXX_STANDARD 20)"
// There is no such file: this ends the compilation here, before it names a hundred things that it does not understand.
#include <lio/no/more/of/this>
#endif
