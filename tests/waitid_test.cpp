// Waiting for child processes: real ones, which exit, are killed, stop and go on. Each test runs on a ring of every
// set-up that this kernel takes; one thread.

#include "catch.hpp"

#include "support/encoding.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/op/cancel.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/waitid.hpp>

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace waitid_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cqe;
using lio::ring;

siginfo_t some_info;
const char here = 'x';

// In the order of the arguments: sqe.len, fd, addr2, file_index.
const encodings rows{[](auto add) {
    add("waitid without an answer's place", op::waitid(1, 1234, 4),
        expected_entry{}.u8(0, 50).s32(4, 1234).u32(24, 1).u32(44, 4));
    add("waitid with every modifier",
        op::waitid(3, -5, some_info, 4 | 2 | 0x01000000)
            .link()
            .hard_link()
            .drain()
            .force_async()
            .skip_success()
            .user_data(&here),
        expected_entry{}
            .u8(0, 50)
            .u8(1, 4 | 8 | 2 | 16 | 64)
            .s32(4, -5)
            .pointer(8, &some_info)
            .u32(24, 3)
            .pointer(32, &here)
            .u32(44, 4 | 2 | 0x01000000));
    add("waitid for any child", op::waitid(0, 0, some_info, 8),
        expected_entry{}.u8(0, 50).pointer(8, &some_info).u32(44, 8));
}};

// The kernel writes there later, so a temporary one must not compile, nor what is none.
static_assert(std::is_constructible_v<op::waitid, int, int, siginfo_t&, int>);
static_assert(!std::is_constructible_v<op::waitid, int, int, siginfo_t, int>);
static_assert(!std::is_constructible_v<op::waitid, int, int, const siginfo_t&, int>);
static_assert(!std::is_constructible_v<op::waitid, int, int, int&, int>);

const char* const no_waitid = "the kernel has no waitid operation (since Linux 6.7)";
bool has_waitid() { return kernel_supports(lio::abi::opcode::waitid); }

/// A child process that runs `body` and then exits with what it returns. It never outlives the test.
class child_process {
public:
    template <class Body>
    explicit child_process(Body body) : id_{::fork()} {
        REQUIRE(id_ >= 0);
        if (id_ == 0) ::_exit(body());
    }
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;
    ~child_process() {
        if (gone_) return;
        ::kill(id_, SIGKILL);
        ::waitpid(id_, nullptr, 0);
    }

    pid_t id() const { return id_; }
    /// Whether somebody has waited for it: then the system has forgotten it, and its number may be another's soon.
    bool is_forgotten() {
        gone_ = ::waitpid(id_, nullptr, WNOHANG) == -1 && errno == ECHILD;
        return gone_;
    }

private:
    pid_t id_;
    bool gone_ = false;
};

/// A child that waits for a word of its parent, or for its parent's end.
class obedient_child {
public:
    obedient_child()
        : pipe_{pipe_pair()}, process_{[this] {
              pipe_.theirs.close();
              char code = 0;
              return ::read(pipe_.ours, &code, 1) == 1 ? int{code} : 99;
          }} {}

    void exit_with(char code) { REQUIRE(::write(pipe_.theirs, &code, 1) == 1); }
    pid_t id() const { return process_.id(); }
    bool is_forgotten() { return process_.is_forgotten(); }

private:
    connection pipe_;
    child_process process_;
};

/// As no system call leaves it.
siginfo_t untouched() {
    siginfo_t info;
    std::memset(&info, 0x55, sizeof info);
    return info;
}

} // namespace

TEST_CASE("waitid completes when the child exits, tells how, and the child is gone", "[waitid]") {
    if (!has_waitid()) LIO_SKIP(no_waitid);
    under_each_setup([](ring& ring) {
        obedient_child child;
        siginfo_t info = untouched();
        ring.push(op::waitid(P_PID, child.id(), info, WEXITED).user_data(3)).value();
        CHECK(stays_quiet(ring));
        child.exit_with(7);
        const cqe done = next_soon(ring);
        CHECK(done.user_data() == 3);
        CHECK(done.result().value() == 0);
        CHECK(done.result<op::waitid>().has_value());
        CHECK(info.si_signo == SIGCHLD);
        CHECK(info.si_errno == 0);
        CHECK(info.si_code == CLD_EXITED);
        CHECK(info.si_pid == child.id());
        CHECK(info.si_uid == ::getuid());
        CHECK(info.si_status == 7);
        CHECK(child.is_forgotten());
    });
}

TEST_CASE("waitid completes at once when the child has exited already", "[waitid]") {
    if (!has_waitid()) LIO_SKIP(no_waitid);
    under_each_setup([](ring& ring) {
        obedient_child child;
        child.exit_with(3);
        siginfo_t info = untouched();
        REQUIRE(::waitid(P_PID, static_cast<id_t>(child.id()), &info, WEXITED | WNOWAIT) == 0); // it has, and stays
        info = untouched();
        CHECK(code(run(ring, op::waitid(P_PID, child.id(), info, WEXITED))) == 0);
        CHECK(info.si_status == 3);
        CHECK(child.is_forgotten());
    });
}

TEST_CASE("waitid tells which signal killed the child", "[waitid]") {
    if (!has_waitid()) LIO_SKIP(no_waitid);
    under_each_setup([](ring& ring) {
        obedient_child child;
        siginfo_t info = untouched();
        ring.push(op::waitid(P_PID, child.id(), info, WEXITED)).value();
        CHECK(stays_quiet(ring));
        REQUIRE(::kill(child.id(), SIGKILL) == 0);
        CHECK(code(next_soon(ring)) == 0);
        CHECK(info.si_code == CLD_KILLED);
        CHECK(info.si_status == SIGKILL);
        CHECK(info.si_pid == child.id());
        CHECK(child.is_forgotten());
    });
}

TEST_CASE("waitid tells when the child stops and when it goes on", "[waitid]") {
    if (!has_waitid()) LIO_SKIP(no_waitid);
    under_each_setup([](ring& ring) {
        obedient_child child;
        siginfo_t info = untouched();
        ring.push(op::waitid(P_PID, child.id(), info, WSTOPPED)).value();
        CHECK(stays_quiet(ring));
        REQUIRE(::kill(child.id(), SIGSTOP) == 0);
        CHECK(code(next_soon(ring)) == 0);
        CHECK(info.si_code == CLD_STOPPED);
        CHECK(info.si_status == SIGSTOP);

        info = untouched();
        ring.push(op::waitid(P_PID, child.id(), info, WCONTINUED)).value();
        CHECK(stays_quiet(ring));
        REQUIRE(::kill(child.id(), SIGCONT) == 0);
        CHECK(code(next_soon(ring)) == 0);
        CHECK(info.si_code == CLD_CONTINUED);
        CHECK(info.si_status == SIGCONT);

        // It lives on, and an end is not what was asked for.
        info = untouched();
        ring.push(op::waitid(P_PID, child.id(), info, WEXITED)).value();
        CHECK(stays_quiet(ring, 5));
        child.exit_with(0);
        CHECK(code(next_soon(ring)) == 0);
        CHECK(info.si_code == CLD_EXITED);
    });
}

TEST_CASE("waitid with WNOHANG is a success without news", "[waitid]") {
    if (!has_waitid()) LIO_SKIP(no_waitid);
    under_each_setup([](ring& ring) {
        obedient_child child;
        siginfo_t info = untouched();
        CHECK(code(run(ring, op::waitid(P_PID, child.id(), info, WEXITED | WNOHANG))) == 0);
        CHECK(info.si_signo == 0);
        CHECK_FALSE(child.is_forgotten());
    });
}

TEST_CASE("waitid with WNOWAIT leaves the child for another wait", "[waitid]") {
    if (!has_waitid()) LIO_SKIP(no_waitid);
    under_each_setup([](ring& ring) {
        obedient_child child;
        siginfo_t info = untouched();
        ring.push(op::waitid(P_PID, child.id(), info, WEXITED | WNOWAIT)).value();
        CHECK(stays_quiet(ring));
        child.exit_with(9);
        CHECK(code(next_soon(ring)) == 0);
        CHECK(info.si_status == 9);
        info = untouched();
        REQUIRE(::waitid(P_PID, static_cast<id_t>(child.id()), &info, WEXITED | WNOWAIT) == 0);
        CHECK(info.si_status == 9);
        // And without asking for an answer it can be done away with.
        CHECK(code(run(ring, op::waitid(P_PID, child.id(), WEXITED))) == 0);
        CHECK(child.is_forgotten());
    });
}

TEST_CASE("waitid waits for any child, for those of a group, for that of a descriptor", "[waitid]") {
    if (!has_waitid()) LIO_SKIP(no_waitid);
    under_each_setup([](ring& ring) {
        const auto through = [&ring](int id_type, int (*id)(pid_t child)) {
            obedient_child child;
            const int subject = id(child.id());
            siginfo_t info = untouched();
            ring.push(op::waitid(id_type, subject, info, WEXITED)).value();
            CHECK(stays_quiet(ring, 5));
            child.exit_with(5);
            CHECK(code(next_soon(ring)) == 0);
            CHECK(info.si_pid == child.id());
            CHECK(info.si_status == 5);
            CHECK(child.is_forgotten());
            return subject;
        };
        through(P_ALL, [](pid_t) { return 0; });
        through(P_PGID, [](pid_t child) {
            REQUIRE(::setpgid(child, child) == 0);
            return int{child};
        });
        constexpr int by_descriptor = 3; // P_PIDFD, which older headers lack
        const int descriptor = through(by_descriptor, [](pid_t child) {
            const long opened = ::syscall(SYS_pidfd_open, child, 0);
            REQUIRE(opened >= 0);
            return static_cast<int>(opened);
        });
        ::close(descriptor);
        CHECK(code(run(ring, op::waitid(by_descriptor, 0x3fffffff, WEXITED))) == EBADF);
    });
}

TEST_CASE("waitid says when there is nobody to wait for, or nothing", "[waitid]") {
    if (!has_waitid()) LIO_SKIP(no_waitid);
    under_each_setup([](ring& ring) {
        siginfo_t info = untouched();
        CHECK(code(run(ring, op::waitid(P_PID, 1, info, WEXITED))) == ECHILD);
        CHECK(code(run(ring, op::waitid(P_ALL, 0, info, WEXITED))) == ECHILD);
        CHECK(code(run(ring, op::waitid(P_ALL, 0, info, 0))) == EINVAL);
        CHECK(code(run(ring, op::waitid(77, 0, info, WEXITED))) == EINVAL);
        // A failure to a chain as well.
        ring.push(op::waitid(P_PID, 1, info, WEXITED).link().user_data(1), op::nop().user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 2)) == ECANCELED);
    });
}

TEST_CASE("a cancelled waitid says so, writes its answer nevertheless, and leaves the child alone [hazard 33] "
          "[hazard 40]",
          "[waitid][hazard 33][hazard 40]") {
    if (!has_waitid()) LIO_SKIP(no_waitid);
    under_each_setup([](ring& ring) {
        obedient_child child;
        siginfo_t info = untouched();
        ring.push(op::waitid(P_PID, child.id(), info, WEXITED).user_data(1)).value();
        CHECK(stays_quiet(ring));
        CHECK(info.si_signo == 0x55555555);
        ring.push(op::cancel(1).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 1)) == ECANCELED);
        CHECK(code(of(done, 2)) == 0);
        CHECK(info.si_signo == 0); // so that its memory had to be there up to now
        child.exit_with(6);
        siginfo_t exited = untouched();
        REQUIRE(::waitid(P_PID, static_cast<id_t>(child.id()), &exited, WEXITED | WNOWAIT) == 0); // it has, and stays
        CHECK(stays_quiet(ring, 5));
        int status = 0;
        REQUIRE(::waitpid(child.id(), &status, 0) == child.id());
        CHECK(WEXITSTATUS(status) == 6);
        CHECK(child.is_forgotten());
    });
}

TEST_CASE("the answer of a waitid is written when the child exits, not before [hazard 40]", "[waitid][hazard 40]") {
    if (!has_waitid()) LIO_SKIP(no_waitid);
    under_each_setup([](ring& ring) {
        obedient_child child;
        void* const memory = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        REQUIRE(memory != MAP_FAILED);
        auto& info = *static_cast<siginfo_t*>(memory);
        ring.push(op::waitid(P_PID, child.id(), info, WEXITED)).value();
        CHECK(stays_quiet(ring));
        CHECK(info.si_signo == 0);
        ::munmap(memory, 4096); // too early
        child.exit_with(6);
        CHECK(code(next_soon(ring)) == EFAULT);
        CHECK(child.is_forgotten());
    });
}

TEST_CASE("what is chained behind a waitid starts when the child exits", "[waitid]") {
    if (!has_waitid()) LIO_SKIP(no_waitid);
    under_each_setup([](ring& ring) {
        obedient_child child;
        ring.push(op::waitid(P_PID, child.id(), WEXITED).link().user_data(1), op::nop().user_data(2)).value();
        CHECK(stays_quiet(ring));
        child.exit_with(1);
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 1)) == 0);
        CHECK(code(of(done, 2)) == 0);
    });
}

} // namespace waitid_test
