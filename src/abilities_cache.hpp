// Where the snapshot is kept. Private, and apart only so that the tests can make a process forget it. Any thread.
#pragma once

#include <lio/abilities.hpp>

namespace lio::inline v0::detail {

/// What abilities() gives; null until it is known. Set once, by a release exchange; read by acquire loads.
extern const system_abilities* known_abilities;

} // namespace lio::inline v0::detail
