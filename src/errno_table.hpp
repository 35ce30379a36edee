// What an errno is called and what it means, for lio::error. Private; includes only <cstdint>.
// Any thread: the tables never change. Cold: every call walks the whole table.
#pragma once

#include <cstdint>

namespace lio::inline v0::detail {

/// "EBUSY" for EBUSY; "E?" for a number that is no errno on this CPU. Static storage.
const char* errno_name(std::int32_t code) noexcept;

/// One clause in lower case without a full stop: "there is no such file or directory". Static storage.
const char* errno_description(std::int32_t code) noexcept;

} // namespace lio::inline v0::detail
