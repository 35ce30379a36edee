// The table of ring set-ups.

#include "rings.hpp"

namespace lio::test {

const std::vector<ring_setup>& all_setups() {
    static const std::vector<ring_setup> setups = {
        {"the library's choice", {}},
        {"nothing", {.exactly = true}},
        {"submit_all", {.require = setup::submit_all, .exactly = true}},
        {"cooperative_taskrun", {.require = setup::cooperative_taskrun, .exactly = true}},
        {"cooperative_taskrun, taskrun_flag",
         {.require = setup::cooperative_taskrun | setup::taskrun_flag, .exactly = true}},
        {"single_issuer", {.require = setup::single_issuer, .exactly = true}},
        {"deferred_taskrun without its flag",
         {.require = setup::single_issuer | setup::deferred_taskrun, .exactly = true}},
        {"deferred_taskrun with its flag",
         {.require = setup::single_issuer | setup::deferred_taskrun | setup::taskrun_flag, .exactly = true}},
        {"no_sq_array", {.require = setup::no_sq_array, .exactly = true}},
        {"sqpoll", {.require = setup::sqpoll, .sqpoll_idle_milliseconds = 10}},
    };
    return setups;
}

const std::vector<ring_setup>& available_setups() {
    static const std::vector<ring_setup> available = [] {
        std::vector<ring_setup> taken;
        for (const ring_setup& setup : all_setups())
            if (ring::create(setup.options)) taken.push_back(setup);
        return taken;
    }();
    REQUIRE_FALSE(available.empty());
    return available;
}

} // namespace lio::test
