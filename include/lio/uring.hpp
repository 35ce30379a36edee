// The one door of lio-uring: rings, operations, registered resources.
#pragma once

#include <lio/abilities.hpp>
#include <lio/buffer_ring.hpp>
#include <lio/busy_poll.hpp>
#include <lio/cancel_answer.hpp>
#include <lio/cancel_now.hpp>
#include <lio/completion.hpp>
#include <lio/completion_budget.hpp>
#include <lio/cpu_set.hpp>
#include <lio/large_ring.hpp>
#include <lio/minimum_kernel.hpp>
#include <lio/op/all.hpp>
#include <lio/probe.hpp>
#include <lio/query.hpp>
#include <lio/received_message.hpp>
#include <lio/registered_buffers.hpp>
#include <lio/registered_eventfd.hpp>
#include <lio/registered_files.hpp>
#include <lio/registered_waits.hpp>
#include <lio/ring_memory.hpp>
#include <lio/ring.hpp>
#include <lio/ring_description.hpp>
#include <lio/send_message.hpp>
#include <lio/split.hpp>
#include <lio/wait_clock.hpp>
#include <lio/workers.hpp>
