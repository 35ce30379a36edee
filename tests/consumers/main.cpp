// What every consumer project is made of: one nop, there and back, and the version. It includes the one public door and
// nothing else of the library. Single-threaded.
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
        std::printf("lio-uring %s: nop %d: %s\n", lio::version.string, done.user_data_as<int>(),
                    done.result() ? "done" : done.result().error().message());
        return done.user_data() == 42 && done.result() ? 0 : 1;
    }
    return 1;
}
