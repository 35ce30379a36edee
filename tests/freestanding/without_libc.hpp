// What a program without libc brings itself: the four functions that compilers call of themselves, the entry point,
// which calls start(), and leave(), which ends it. Included by its one source file.
#pragma once

#include <cstddef>

extern "C" {

void* memcpy(void* to, const void* from, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) static_cast<char*>(to)[i] = static_cast<const char*>(from)[i];
    return to;
}
void* memmove(void* to, const void* from, std::size_t size) {
    if (to <= from) return memcpy(to, from, size);
    while (size-- != 0) static_cast<char*>(to)[size] = static_cast<const char*>(from)[size];
    return to;
}
void* memset(void* to, int value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) static_cast<char*>(to)[i] = static_cast<char>(value);
    return to;
}
int memcmp(const void* a, const void* b, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
        if (static_cast<const unsigned char*>(a)[i] != static_cast<const unsigned char*>(b)[i])
            return static_cast<const unsigned char*>(a)[i] - static_cast<const unsigned char*>(b)[i];
    return 0;
}

[[noreturn]] void leave(long status);
[[noreturn]] void start();
}

#if defined(__x86_64__)
void leave(long status) {
    asm volatile("syscall" ::"a"(231L), "D"(status)); // exit_group
    __builtin_unreachable();
}
asm(".globl _start\n_start: and $-16, %rsp\n call start\n");
#elif defined(__aarch64__)
void leave(long status) {
    register long x8 asm("x8") = 94;
    register long x0 asm("x0") = status;
    asm volatile("svc #0" ::"r"(x8), "r"(x0));
    __builtin_unreachable();
}
asm(".globl _start\n_start: bl start\n");
#elif defined(__riscv)
void leave(long status) {
    register long a7 asm("a7") = 94;
    register long a0 asm("a0") = status;
    asm volatile("ecall" ::"r"(a7), "r"(a0));
    __builtin_unreachable();
}
asm(".globl _start\n_start: call start\n");
#endif
