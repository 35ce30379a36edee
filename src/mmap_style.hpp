// How a CPU's mmap system call takes its arguments; each arch.hpp names one. Private; values only.
#pragma once

namespace lio::inline v0::arch {

enum class mmap_style {
    /// Six registers, the offset in bytes.
    byte_offset,
    /// Six registers, the offset in units of 4096 bytes whatever the page size (mmap2 on 32 bits).
    page_offset,
    /// One register, pointing to the six arguments; the offset in bytes.
    argument_block,
};

} // namespace lio::inline v0::arch
