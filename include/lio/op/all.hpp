// Every family of operations.
#pragma once

#include <lio/op/accept.hpp>
#include <lio/op/cancel.hpp>
#include <lio/op/epoll.hpp>
#include <lio/op/files.hpp>
#include <lio/op/futex.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/open.hpp>
#include <lio/op/paths.hpp>
#include <lio/op/pipe.hpp>
#include <lio/op/poll.hpp>
#include <lio/op/provided_buffers.hpp>
#include <lio/op/read_write.hpp>
#include <lio/op/recv.hpp>
#include <lio/op/recv_zc.hpp>
#include <lio/op/registered_files.hpp>
#include <lio/op/send.hpp>
#include <lio/op/sockets.hpp>
#include <lio/op/splice.hpp>
#include <lio/op/time.hpp>
#include <lio/op/waitid.hpp>
#include <lio/op/xattr.hpp>
