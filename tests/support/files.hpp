// Real files for the tests: a directory that vanishes with the test, and looking at files from outside the ring, with
// plain POSIX calls. Test code; any thread.
#pragma once

#include "../catch.hpp"

#include <lio/descriptor.hpp>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lio::test {

/// A new, empty directory under /tmp, removed with all that is in it.
class temporary_directory {
public:
    temporary_directory() {
        char pattern[] = "/tmp/lio-test-XXXXXX";
        REQUIRE(::mkdtemp(pattern) != nullptr);
        path_ = pattern;
    }
    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;
    ~temporary_directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    const std::string& path() const { return path_; }
    /// The path of a file in it.
    std::string operator/(std::string_view name) const { return path_ + "/" + std::string{name}; }

private:
    std::string path_;
};

/// A descriptor that closes itself, unless somebody else has closed it.
class open_file {
public:
    open_file(const std::string& path, int flags, mode_t mode = 0600)
        : number_{::open(path.c_str(), flags | O_CLOEXEC, mode)} {
        INFO(path);
        REQUIRE(number_ >= 0);
    }
    explicit open_file(int number) : number_{number} { REQUIRE(number_ >= 0); }
    open_file(const open_file&) = delete;
    open_file& operator=(const open_file&) = delete;
    ~open_file() {
        if (number_ >= 0) ::close(number_);
    }

    operator int() const { return number_; }
    operator descriptor() const { return number_; }
    /// Somebody else closes it.
    int release() {
        const int number = number_;
        number_ = -1;
        return number;
    }

private:
    int number_;
};

/// Makes a file with this content.
inline void make_file(const std::string& path, std::string_view content) {
    const open_file file{path, O_WRONLY | O_CREAT | O_TRUNC};
    REQUIRE(::write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
}

inline std::int64_t size_of(const std::string& path) {
    struct ::stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_size;
}

/// All that is in a file.
inline std::string content_of(const std::string& path) {
    const open_file file{path, O_RDONLY};
    std::string content;
    // A broken operation can leave a file of terabytes with nothing in it.
    REQUIRE(size_of(path) < 1'000'000);
    char part[4096];
    ssize_t length = 0;
    while ((length = ::pread(file, part, sizeof part, static_cast<off_t>(content.size()))) > 0)
        content.append(part, static_cast<std::size_t>(length));
    REQUIRE(length == 0);
    return content;
}

inline bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

inline bool is_open(int descriptor) { return ::fcntl(descriptor, F_GETFD) != -1; }

/// The process's umask for a while.
class file_mode_mask {
public:
    explicit file_mode_mask(mode_t mask) : before_{::umask(mask)} {}
    file_mode_mask(const file_mode_mask&) = delete;
    file_mode_mask& operator=(const file_mode_mask&) = delete;
    ~file_mode_mask() { ::umask(before_); }

private:
    mode_t before_;
};

/// Both ends of a pipe.
struct pipe_ends {
    int ends[2] = {-1, -1};
    pipe_ends() { REQUIRE(::pipe2(ends, O_CLOEXEC) == 0); }
    pipe_ends(const pipe_ends&) = delete;
    pipe_ends& operator=(const pipe_ends&) = delete;
    ~pipe_ends() {
        ::close(ends[0]);
        close_writing();
    }
    int reading() const { return ends[0]; }
    int writing() const { return ends[1]; }
    void close_writing() {
        if (ends[1] >= 0) ::close(ends[1]);
        ends[1] = -1;
    }
};

} // namespace lio::test
