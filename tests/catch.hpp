// The one door to Catch2 for every test: version 2.13 is a single header, version 3 is many.
// Includes what both versions have; a test uses no more than that. Skipping is in support/skip.hpp.
#pragma once

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include "support/skip.hpp"
