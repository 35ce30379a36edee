// The table of ring set-ups.

#include "rings.hpp"

#include "machine.hpp"

namespace lio::test {

const std::vector<ring_setup>& all_setups() {
    static const std::vector<ring_setup> setups = {
        {"the library's choice", {}, true},
        {"nothing", {.exactly = true}, true},
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
        {"sqpoll", {.require = setup::sqpoll, .sqpoll_idle_milliseconds = 1}},
    };
    return setups;
}

const std::vector<ring_setup>& available_setups() {
    static const std::vector<ring_setup> available = [] {
        std::vector<ring_setup> taken;
        for (const ring_setup& setup : all_setups()) {
            if (has_few_setups() && !setup.is_tried_everywhere) continue;
            const auto made = ring::create(setup.options);
            if (made) taken.push_back(setup);
            // The library's choice steps down to what there is: it may not be passed over.
            else if (setup.options.require == setup::none && !setup.options.exactly)
                FAIL("no ring of the library's choice: " << made.error().message());
        }
        return taken;
    }();
    REQUIRE_FALSE(available.empty());
    return available;
}

} // namespace lio::test
