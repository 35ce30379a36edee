// The kernel's interface, up to Linux 7.3, in our own words: every structure and every constant, none of the
// kernel's headers. Names are the kernel's in lower case without their io_uring prefix. What the rings and
// operations need of it they include themselves; a program needs it only to go beneath them. Any thread.
#pragma once

#include <lio/abi/block.hpp>
#include <lio/abi/bpf_filter.hpp>
#include <lio/abi/buffers.hpp>
#include <lio/abi/device_command.hpp>
#include <lio/abi/entries.hpp>
#include <lio/abi/mock.hpp>
#include <lio/abi/nvme.hpp>
#include <lio/abi/opcode.hpp>
#include <lio/abi/operation_flags.hpp>
#include <lio/abi/query.hpp>
#include <lio/abi/register.hpp>
#include <lio/abi/setup.hpp>
#include <lio/abi/zero_copy_receive.hpp>
