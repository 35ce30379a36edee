// Threads as the kernel shows them: the workers of io_uring among them, and a thread that has none yet. Test code.
#pragma once

#include "../catch.hpp"

#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <thread>

namespace lio::test {

/// The ids of this process's worker threads, with the CPUs that each may run on, as text: "0-3,5".
inline std::map<std::string, std::string> workers() {
    std::map<std::string, std::string> found;
    std::error_code gone;
    for (const auto& task : std::filesystem::directory_iterator{"/proc/self/task", gone}) {
        std::string name;
        std::ifstream{task.path() / "comm"} >> name;
        if (name.rfind("iou-wrk", 0) != 0) continue;
        std::ifstream status{task.path() / "status"};
        for (std::string word; status >> word;)
            if (word == "Cpus_allowed_list:") status >> found[task.path().filename().string()];
    }
    return found;
}

/// Those that were not there before: with no other thread at work, those of the test.
inline std::map<std::string, std::string> workers_since(const std::map<std::string, std::string>& before) {
    auto found = workers();
    for (const auto& [id, cpus] : before) found.erase(id);
    return found;
}

/// Runs `body` on a thread of its own, which has no workers and no settings for them, and waits for it. Fails as it
/// does.
template <class Body>
void on_fresh_thread(Body body) {
    std::exception_ptr failure;
    std::thread{[&] {
        try {
            body();
        } catch (...) {
            failure = std::current_exception();
        }
    }}.join();
    if (failure) std::rethrow_exception(failure);
}

} // namespace lio::test
