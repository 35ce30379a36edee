// The main program of every test binary, for Catch2 2.13 and 3. It counts test cases as passed, failed or skipped and
// ends with one line, "[name] passed=N failed=N skipped=N", which tests/collect.py reads. With LIO_RESULTS=FILE in the
// environment each case adds lines to that file, which tests/kernels reads: outcome, file, name and reasons, first
// "begun". A case that asserts nothing has failed: it proves nothing. The listener runs on the main thread.
#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#include <catch2/catch_test_case_info.hpp>
#include <catch2/reporters/catch_reporter_event_listener.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>
using listener_base = Catch::EventListenerBase;
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
using listener_base = Catch::TestEventListenerBase;
#endif

#include "support/skip.hpp"

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

namespace {

struct pending_skips {
    std::mutex mutex;
    std::vector<std::string> whole;
    std::vector<std::string> partial;
};

pending_skips pending;

struct outcome {
    unsigned passed = 0;
    unsigned failed = 0;
    unsigned skipped = 0;
    std::vector<std::string> remarks;
};

outcome total;

void move_new_lines(std::vector<std::string>& from, std::vector<std::string>& to) {
    for (const std::string& line : from) {
        bool known = false;
        for (const std::string& other : to) {
            known = known || other == line;
        }
        if (!known) {
            to.push_back(line);
        }
    }
    from.clear();
}

std::string base_name(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

// Closed after every case, so that the cases before one that brings the program down are there.
void write_result(const char* outcome, const std::string& file, const std::string& name,
                  const std::vector<std::string>& reasons) {
    const char* const path = std::getenv("LIO_RESULTS");
    std::FILE* const results = path != nullptr ? std::fopen(path, "a") : nullptr;
    if (results == nullptr) {
        return;
    }
    std::string line = std::string{outcome} + '\t' + file + '\t' + name;
    for (const std::string& reason : reasons) {
        line += '\t' + reason;
    }
    std::fprintf(results, "%s\n", line.c_str());
    std::fclose(results);
}

class case_counter : public listener_base {
public:
    using listener_base::listener_base;

    void testCaseStarting(const Catch::TestCaseInfo& info) override {
        name_ = info.name;
        file_ = base_name(info.lineInfo.file);
        write_result("begun", file_, name_, {});
        depth_ = 0;
        passes_run_ = 0;
        whole_.clear();
        partial_.clear();
        const std::lock_guard lock(pending.mutex);
        pending.whole.clear();
        pending.partial.clear();
    }

    void sectionStarting(const Catch::SectionInfo&) override { ++depth_; }

    void sectionEnded(const Catch::SectionStats&) override {
        // Catch2 goes through a case once for each leaf of its sections. The outermost section is the case itself:
        // where that one ends, one pass has ended.
        if (--depth_ == 0 && !collect_skips()) {
            ++passes_run_;
        }
    }

    void testCaseEnded(const Catch::TestCaseStats& stats) override {
        const auto& assertions = stats.totals.assertions;
        const bool asserted = assertions.passed + assertions.failed + assertions.failedButOk != 0;
        const bool skip_recorded = !whole_.empty() || !partial_.empty();
        if (stats.totals.testCases.failed != 0) {
            ++total.failed;
            total.remarks.push_back("failed: " + name_);
            write_result("failed", file_, name_, {});
        } else if ((!whole_.empty() && passes_run_ == 0) || (skip_recorded && !asserted)) {
            ++total.skipped;
            remark("skipped: ");
            write_result("skipped", file_, name_, reasons());
        } else if (!asserted) {
            ++total.failed;
            total.remarks.push_back("failed: " + name_ + ": it asserted nothing");
            write_result("failed", file_, name_, {"it asserted nothing"});
        } else {
            ++total.passed;
            remark("partly skipped: ");
            write_result("passed", file_, name_, reasons());
        }
    }

private:
    std::vector<std::string> reasons() const {
        std::vector<std::string> all = whole_;
        all.insert(all.end(), partial_.begin(), partial_.end());
        return all;
    }

    // True when the pass that has just ended was left by LIO_SKIP.
    bool collect_skips() {
        const std::lock_guard lock(pending.mutex);
        const bool skipped = !pending.whole.empty();
        move_new_lines(pending.whole, whole_);
        move_new_lines(pending.partial, partial_);
        return skipped;
    }

    void remark(const char* kind) {
        for (const std::string& reason : reasons()) {
            total.remarks.push_back(kind + name_ + ": " + reason);
        }
    }

    std::string name_;
    std::string file_;
    int depth_ = 0;
    unsigned passes_run_ = 0;
    std::vector<std::string> whole_;
    std::vector<std::string> partial_;
};

CATCH_REGISTER_LISTENER(case_counter)

} // namespace

namespace lio::test {

void record_skip(const std::string& reason) {
    const std::lock_guard lock(pending.mutex);
    pending.whole.push_back(reason);
}

void record_partial_skip(const std::string& reason) {
    const std::lock_guard lock(pending.mutex);
    pending.partial.push_back(reason);
}

} // namespace lio::test

int main(int argument_count, char** arguments) {
    Catch::Session session;
    if (const int refused = session.applyCommandLine(argument_count, arguments); refused != 0) {
        return refused;
    }
    const auto& asked = session.configData();
    const int catch_result = session.run();
    if (asked.showHelp || asked.listTests || asked.listTags || asked.listReporters) {
        return catch_result;
    }
    for (const std::string& remark : total.remarks) {
        std::printf("%s\n", remark.c_str());
    }
    std::printf("[%s] passed=%u failed=%u skipped=%u\n", base_name(arguments[0]).c_str(), total.passed, total.failed,
                total.skipped);
    if (total.passed + total.failed + total.skipped == 0) {
        std::fprintf(stderr, "no test ran\n");
        return EXIT_FAILURE;
    }
    return total.failed == 0 && catch_result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
