// A project that uses lio-uring: one nop, round trip. .ci/run builds it as a parent of the subproject, against the
// installed library, and through CMake; it includes the one public door and nothing else of the library.
#include <lio/uring.hpp>

#include <cstdio>

int main() {
    auto made = lio::ring::create({.entries = 8});
    if (!made) {
        std::printf("no ring here: %s\n", made.error().message());
        return 1;
    }
    lio::ring& ring = made.value();
    ring.push(lio::op::nop().user_data(42)).value();
    ring.submit_and_wait(1).value();
    for (const lio::cqe& done : ring.reap()) {
        std::printf("nop %d: done\n", static_cast<int>(done.user_data()));
        return done.user_data() == 42 ? 0 : 1;
    }
    return 1;
}
