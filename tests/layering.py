#!/usr/bin/env python3
"""Holds the sources to their layers, and the objects to what they may ask of others.

usage: layering.py --archive LIBRARY.a --cpu SYSCALL-DIRECTORY --work DIRECTORY -- COMPILER...
Ends with "[layering] passed=N failed=N skipped=N".
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"][^>"]+[>"])', re.MULTILINE)

# What every compiler may call of itself, and what libc's syscall(2) needs where that is used.
ALLOWED = {"memcpy", "memset", "memmove", "memcmp"}
ALLOWED_GENERIC = {"syscall", "__errno_location"}
# Not functions: the linker's own names on some CPUs, and the sanitizers' and gcc's helpers for position independence.
LINKER_NAMES = re.compile(r"^(_GLOBAL_OFFSET_TABLE_|\.TOC\.)$")

# Light standard headers; <system_error> is for the one header that says so.
PUBLIC_STANDARD = {"<cstddef>", "<cstdint>", "<new>", "<type_traits>"}

options = None
cases = []


def case(function):
    cases.append(function)
    return function


def headers():
    return sorted((ROOT / "include").rglob("*.hpp"))


def sources(*folders):
    return [path for folder in folders for path in (ROOT / folder).rglob("*.?pp")]


def includes(path):
    return INCLUDE.findall(path.read_text())


def run(*command):
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


def compile_flags(*more):
    return [*options.compiler, "-std=c++20", f"-I{ROOT / 'include'}", *more]


def undefined(path):
    """Names that each member of an archive, or an object, asks of others."""
    wanted, defined, member = {}, set(), Path(path).name
    for line in run("nm", path).splitlines():
        if line.endswith(":"):
            member = line[:-1]
            continue
        parts = line.split()
        if len(parts) >= 2 and parts[-2] in "Uwv" and len(parts[-2]) == 1:
            wanted.setdefault(member, set()).add(parts[-1])
        elif parts:
            defined.add(parts[-1])
    return {member: names - defined for member, names in wanted.items()}


def check_undefined(path):
    allowed = ALLOWED | (ALLOWED_GENERIC if options.cpu.name == "generic" else set())
    members = undefined(path)
    too_many = {}
    for member, names in members.items():
        if member.startswith(("throw_error", ".._src_throw_error")) or "throw_error.cpp" in member:
            continue  # the throwing half: looked at by the programs that must link without it
        wrong = {name for name in names - allowed if not LINKER_NAMES.match(name)}
        if wrong:
            too_many[member] = sorted(wrong)
    if too_many:
        raise AssertionError(f"asked of others: {too_many}")


@case
def every_public_header_compiles_alone():
    for header in headers():
        for more in ([], ["-fno-exceptions", "-fno-rtti"]):
            run(*compile_flags("-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-x", "c++",
                               "-include", header, *more, "/dev/null"))


@case
def a_program_of_an_older_standard_gets_one_error_that_names_the_right_one():
    source = options.work / "older.cpp"
    for header in headers():
        for standard in ("-std=c++11", "-std=c++17"):
            name = header.relative_to(ROOT / "include")
            source.write_text(f"#include <{name}>\nint main() {{ return lio::version.major; }}\n")
            done = subprocess.run([*options.compiler, standard, f"-I{ROOT / 'include'}", "-fsyntax-only", source],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            errors = re.findall(r"^.*\berror: .*$", done.stdout, re.MULTILINE)
            assert done.returncode != 0 and errors and "C++20" in errors[0], f"{name}\n{done.stdout}"
            # The other one only says that the compilation ends here.
            assert len(errors) == 2 and "fatal error: " in errors[1] and "no/more/of/this" in errors[1], done.stdout


@case
def public_headers_include_only_each_other_and_light_standard_headers():
    for header in headers():
        allowed = PUBLIC_STANDARD | ({"<system_error>"} if header.name == "error_code.hpp" else set())
        for name in includes(header):
            assert name.startswith("<lio/") or name in allowed, f"{header} includes {name}"


@case
def operations_and_rings_do_not_know_each_other():
    operations = ROOT / "include/lio/op"
    rings = [ROOT / "include/lio" / name for name in ("minimal_ring.hpp", "ring.hpp", "split.hpp", "ring_options.hpp")]
    rings += (ROOT / "include/lio/detail").glob("*.hpp")
    for header in operations.glob("*.hpp"):
        for name in includes(header):
            assert not re.match(r"<lio/(minimal_ring|ring|split|detail/|registered_files|registered_buffers|buffer_ring)", name) or (
                name in ("<lio/detail/assert.hpp>", "<lio/detail/failure.hpp>", "<lio/detail/language.hpp>")
            ), f"{header} includes {name}"
    for header in rings:
        for name in includes(header):
            assert not name.startswith("<lio/op/"), f"{header} includes {name}"


@case
def the_abi_stands_on_nothing():
    for header in [ROOT / "include/lio/abi.hpp", *(ROOT / "include/lio/abi").glob("*.hpp")]:
        for name in includes(header):
            allowed = name.startswith("<lio/abi/") or name in PUBLIC_STANDARD or name == "<lio/detail/language.hpp>"
            assert allowed, f"{header} includes {name}"


@case
def no_file_includes_a_kernel_header():
    for path in sources("include", "src", "syscall"):
        for name in includes(path):
            assert not name.startswith(("<linux/", "<asm/")), f"{path} includes {name}"


@case
def the_instruction_is_behind_one_file():
    for path in (ROOT / "src").glob("*.?pp"):
        if path.name != "system.hpp":
            assert '"arch.hpp"' not in includes(path), f"{path} includes arch.hpp"


@case
def every_file_opens_with_what_it_is():
    for path in sources("include", "src", "syscall", "examples", "tests"):
        assert path.read_text().startswith("//"), f"{path} does not say what it is"


@case
def no_line_is_longer_than_the_layout_says():
    limit = int(re.search(r"^ColumnLimit: (\d+)$", (ROOT / ".clang-format").read_text(), re.MULTILINE)[1])
    for path in sources("include", "src", "syscall", "examples", "tests"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            assert len(line) <= limit, f"{path}:{number} has {len(line)} columns"


@case
def every_source_is_in_the_list_that_both_builds_read():
    listed = (ROOT / "src/sources.txt").read_text().splitlines()
    assert listed == sorted(path.name for path in (ROOT / "src").glob("*.cpp")), "src/sources.txt is not ls src/*.cpp"


@case
def the_version_is_in_one_place_and_what_is_none_does_not_compile():
    version = re.search(r' version\{"(\d+\.\d+\.\d+)"\};', (ROOT / "include/lio/version.hpp").read_text())[1]
    for path in ("meson.build", "src/meson.build", "CMakeLists.txt", "docs/Doxyfile.in"):
        assert version not in (ROOT / path).read_text(), f"{path} has a version of its own"
    source = options.work / "version.cpp"
    major, minor, patch = version.split(".")
    source.write_text("#include <lio/version.hpp>\n"
                      f"static_assert(lio::version.major == {major} && lio::version.minor == {minor});\n"
                      f"static_assert(lio::version.patch == {patch} && lio::version.string[{len(version)}] == 0);\n"
                      'constexpr lio::library_version longer{"10.203.0"};\n'
                      "static_assert(longer.major == 10 && longer.minor == 203 && longer.patch == 0);\n")
    run(*compile_flags("-fsyntax-only", source))
    for wrong in ("", "1", "1.2", "1.2.", "1..3", "1.2.3.4", "1.2.3-rc1", "v1.2.3"):
        source.write_text(f'#include <lio/version.hpp>\nconstexpr lio::library_version made{{"{wrong}"}};\n')
        done = subprocess.run(compile_flags("-fsyntax-only", source), stderr=subprocess.DEVNULL)
        assert done.returncode != 0, f"'{wrong}' passes for a version"


@case
def full_fences_are_where_one_side_may_sleep_while_the_other_acts():
    # Store, fence, load on both sides: without the fence a wake-up is lost so rarely that no run of a test shows it.
    # x86; ARM; RISC-V; s390x; POWER.
    fence = re.compile(r"^\s(mfence|lock or|dmb\s+ish\b|fence\s+(rw,rw|iorw,iorw)|bcr\s+1[45],|h?w?sync\b)", re.MULTILINE)
    # The kernel thread that submits; the waiting half of a split ring, and the half that stops.
    for name in ("enter.cpp", "completion_side.cpp", "split.cpp"):
        text = run(*compile_flags("-O2", "-S", "-o", "-", f"-I{options.cpu}", ROOT / "src" / name))
        assert fence.search(text), f"{name} has no full fence"


@case
def every_set_up_option_is_since_the_release_that_its_doc_names():
    # The doc comment, then "name = 1u << bit": of the options, and of the kernel's own names.
    option = re.compile(r"((?:^ *///[^\n]*\n)+)(?:    (\w+)|inline constexpr std::uint32_t (setup_\w+)) = 1[uU] << (\d+)[,;]",
                        re.MULTILINE)
    release = re.compile(r"Since\s+Linux\s+(\d+)\.(\d+)")
    claims, bits = [], {"option": set(), "abi": set()}
    for path in ("include/lio/ring_options.hpp", "include/lio/abi/setup.hpp"):
        for doc, name, abi_name, bit in option.findall((ROOT / path).read_text()):
            named = release.findall(doc.replace("///", " "))
            assert len(named) == 1, f"the doc of {name or abi_name} does not name one release"
            flag = f"lio::setup::{name}" if name else f"static_cast<lio::setup>(lio::abi::{abi_name})"
            claims.append(f"static_assert(lio::since({flag}) == lio::kernel_version{{{named[0][0]}, {named[0][1]}}});\n")
            bits["option" if name else "abi"].add(int(bit))
    assert len(bits["option"]) >= 13 and len(bits["abi"]) >= 21, f"found only {bits}"
    assert bits["option"] <= bits["abi"], "an option is none of the kernel's"
    source = options.work / "since.cpp"
    source.write_text("#include <lio/minimum_kernel.hpp>\n" + "".join(claims))
    run(*compile_flags("-fsyntax-only", source))


@case
def the_programs_in_the_readme_are_files_in_examples():
    readme = (ROOT / "README.md").read_text()
    programs = [block for block in re.findall(r"```cpp\n(.*?)```", readme, re.DOTALL) if "int main" in block]
    assert programs, "the README shows no program"
    files = {path.read_text() for path in (ROOT / "examples").glob("*.cpp")}
    for program in programs:
        assert program in files, f"no file in examples/ is this program:\n{program}"


# What the code in README.md and docs/guide.md has around it. Each piece is the body of a function, whose own names go first.
AROUND_CODE_OF_DOCS = """#include <lio/uring.hpp>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <vector>
struct connection;
extern lio::ring ring, other;
extern lio::buffer_ring buffers;
extern lio::registered_files files;
extern std::vector<lio::mutable_bytes> pieces;
extern const lio::op::nop operation;
extern const lio::timespec limit;
extern const lio::cqe done;
extern connection* session;
extern const int file, journal, socket, listener, eventfd;
extern std::vector<char> memory;
extern const std::vector<char> record;
extern const std::uint64_t offset;
extern const std::uint32_t n;
bool handle(const lio::cqe& done);
void use(lio::bytes received);
"""


@case
def the_code_in_the_readme_and_the_guide_compiles():
    pieces = []
    for name in ("README.md", "docs/guide.md"):
        blocks = re.findall(r"```cpp\n(.*?)```", (ROOT / name).read_text(), re.DOTALL)
        bodies = [block for block in blocks if "int main" not in block]
        assert bodies, f"{name} shows no code"
        pieces += [(f"{name}, code {number}", body) for number, body in enumerate(bodies, 1)]
    # What stands for each thing of liburing: the code in the last column.
    table = (ROOT / "docs/guide.md").read_text().partition("\n| liburing | Here |\n| --- | --- |\n")[2].split("\n\n")[0]
    in_table = []
    for call, cell in re.findall(r"^\| (.*) \| (.*) \|$", table, re.MULTILINE):
        if code := re.findall(r"`([^`]+)`", cell):
            in_table.append((f"docs/guide.md, for {call}", "\n".join(piece.rstrip(";") + ";" for piece in code) + "\n"))
    assert len(in_table) >= 25, f"docs/guide.md has code for only {len(in_table)} things of liburing"
    pieces += in_table
    source = options.work / "code_of_docs.cpp"
    # Errors name the place in the docs, not in this file.
    functions = [f'#line 1 "{place}"\nvoid code_{number}() {{\n#line 1\n{body}}}\n'
                 for number, (place, body) in enumerate(pieces)]
    source.write_text(AROUND_CODE_OF_DOCS + "".join(functions))
    run(*compile_flags("-fsyntax-only", "-w", source))


@case
def the_archive_asks_nothing_of_the_c_library_or_the_cpp_runtime():
    if options.archive is None:
        return "this build has no static archive of its own"
    check_undefined(options.archive)


@case
def the_shared_library_exports_what_is_listed_and_nothing_else():
    if options.shared is None:
        return "this build has no shared library, or one with more in it"
    listed = [line for line in (ROOT / "src/exported.txt").read_text().splitlines() if not line.startswith("#")]
    exported = set()
    for line in run("nm", "-DC", "--defined-only", options.shared).splitlines():
        exported.add(line.split(maxsplit=2)[2].split("(")[0])
    assert exported == set(listed), f"differ from src/exported.txt: {sorted(exported ^ set(listed))}"


@case
def neither_do_its_objects_however_they_are_optimised():
    for stale in options.work.glob("*.o"): # of sources that are gone, perhaps
        stale.unlink()
    for level in ("-O0", "-O2", "-Os"):
        for source in sorted((ROOT / "src").glob("*.cpp")):
            if source.name == "throw_error.cpp":
                continue
            target = options.work / f"{source.stem}{level}.o"
            run(*compile_flags(level, "-fno-exceptions", "-fno-rtti", "-fno-stack-protector", "-fno-threadsafe-statics",
                               "-ffunction-sections", "-fdata-sections",
                               f"-I{ROOT / 'src'}", f"-I{options.cpu}", "-c", source, "-o", target))
        archive = options.work / f"library{level}.a"
        archive.unlink(missing_ok=True)
        run("ar", "rcs", archive, *sorted(options.work.glob(f"*{level}.o")))
        check_undefined(archive)


@case
def a_program_linked_by_the_c_driver_alone_runs():
    program = options.work / "nop_static"
    source = options.work / "nop_static.o"
    run(*compile_flags("-O2", "-fno-exceptions", "-fno-rtti", "-c", ROOT / "tests/freestanding/nop_static.cpp", "-o", source))
    run("gcc", "-static", source, options.work / "library-O2.a", "-o", program)
    output = run(program)
    assert output == "nop 42: done\n", output


# How a small program is compiled and linked, by gcc and clang alike: for size, without assertions, and without what
# nobody reads in it: tables for unwinding, the build's id, the compiler's name.
SMALL = ["-Os", "-DNDEBUG", "-fno-exceptions", "-fno-rtti", "-fno-stack-protector", "-fno-threadsafe-statics",
         "-fno-asynchronous-unwind-tables", "-fno-tree-vectorize", "-ffunction-sections", "-fdata-sections",
         "-fno-pie"]
SMALL_LINK = ["-nostdlib", "-static", "-no-pie", "-Wl,--gc-sections", "-Wl,-z,noseparate-code", "-Wl,-z,norelro",
              "-Wl,--build-id=none", "-Wl,--no-eh-frame-hdr"]


def is_measured():
    """Whether the sizes are those of the compilers and the CPU for which the docs name them; others get some more."""
    version = run(*options.compiler, "--version")
    return options.cpu.name == "x86_64" and re.search(r"clang version 14\.|\) 12\.", version.splitlines()[0]) is not None


def small_archive():
    archive = options.work / "library-small.a"
    archive.unlink(missing_ok=True)
    objects = []
    for source in sorted((ROOT / "src").glob("*.cpp")):
        if source.name == "throw_error.cpp":
            continue
        objects.append(options.work / f"{source.stem}-small.o")
        run(*compile_flags(*SMALL, f"-I{ROOT / 'src'}", f"-I{options.cpu}", "-c", source, "-o", objects[-1]))
    run("ar", "rcs", archive, *objects)
    return archive


def sizes_of_small(name, archive):
    """Bytes of code and constants, and of the whole file, of a program in tests/freestanding, which is run first."""
    program = options.work / name
    # The program has its own memcpy and the like, in which the compiler must see no call of themselves.
    run(*compile_flags(*SMALL, "-ffreestanding", *SMALL_LINK, ROOT / f"tests/freestanding/{name}.cpp", archive, "-o", program))
    run("strip", "--remove-section=.eh_frame", "--remove-section=.comment", program)
    status = subprocess.run([str(program)]).returncode
    assert status == 42, f"ended with {status}, not with the user_data 42"
    loaded = 0
    for line in run("size", "-A", program).splitlines():
        if re.match(r"\.(text|rodata|data)", line):
            loaded += int(line.split()[1])
    size = program.stat().st_size
    print(f"    {name}: {loaded} bytes of code and constants, {size} bytes of file")
    return loaded, size


@case
def a_program_without_libc_runs_and_is_small():
    if options.cpu.name == "generic":
        return "this CPU's system calls go through libc"
    _, size = sizes_of_small("nop_no_libc", small_archive())
    assert size <= 13 * 1024, f"{size} bytes"


@case
def the_smallest_program_is_a_kibibyte_of_code():
    if options.cpu.name == "generic":
        return "this CPU's system calls go through libc"
    loaded, size = sizes_of_small("nop_minimal", options.work / "library-small.a")
    assert loaded <= (1 if is_measured() else 1.5) * 1024, f"{loaded} bytes of code and constants"
    assert size <= 5 * 1024, f"{size} bytes"


@case
def one_header_and_one_source_do_as_well():
    if options.cpu.name == "generic":
        return "this CPU's system calls go through libc"
    folder = options.work / "one_file"
    run(ROOT / "src/amalgamate.py", folder)
    copied = [*options.compiler, "-std=c++20", "-Wall", "-Wextra", "-Werror", f"-I{folder}",
              f"-I{ROOT / 'tests/freestanding'}"]
    # With the C++ runtime; linked by the C driver; with a program that has no libc.
    for name, more in (("with", ["-O0"]), ("without", ["-O2", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics",
                                                       "-fno-stack-protector"])):
        run(*copied, *more, "-c", folder / "lio_uring.cpp", "-o", folder / f"{name}.o")
    check_undefined(folder / "without.o")
    for program, library in (("nop_static", "with"), ("nop_static", "without"), ("nop_no_libc", "without")):
        text = (ROOT / f"tests/freestanding/{program}.cpp").read_text()
        source = folder / f"{program}.cpp"
        source.write_text(text.replace("<lio/uring.hpp>", '"lio_uring.hpp"'))
        link = ["-nostdlib", "-static", "-fno-builtin"] if program == "nop_no_libc" else []
        run(*copied, "-O2", "-DNDEBUG", "-fno-exceptions", "-fno-rtti", "-fno-stack-protector", *link, source,
            folder / f"{library}.o", "-o", folder / program)
        done = subprocess.run([str(folder / program)], stdout=subprocess.PIPE, text=True)
        wanted = (42, "") if program == "nop_no_libc" else (0, "nop 42: done\n")
        assert (done.returncode, done.stdout) == wanted, f"{program} with {library}: {done}"
    # What is in no other header than its own comes when it is asked for.
    source = folder / "error_code.cpp"
    source.write_text('#include "lio_uring.hpp"\nint main() { return lio::to_error_code(lio::error{5}).value() - 5; }\n')
    run(*copied, "-DLIO_WITH_ERROR_CODE", source, folder / "with.o", "-o", folder / "error_code")
    run(folder / "error_code")
    assert "system_error" not in run(*copied, "-M", source), "the one header includes <system_error> by itself"


@case
def every_name_is_in_the_inline_namespace_of_the_major_version():
    major = re.search(r' version\{"(\d+)\.', (ROOT / "include/lio/version.hpp").read_text())[1]
    for path in sources("include", "src", "syscall"):
        for line in re.findall(r"^\s*namespace lio.*$", path.read_text(), re.MULTILINE):
            assert re.match(rf"\s*namespace lio::inline v{major}(::\w+)* {{", line), f"{path}: {line}"


@case
def two_major_versions_do_not_clash_in_one_program():
    if options.cpu.name == "generic":
        return "this CPU's system calls go through libc"
    folder = options.work / "two_versions"
    objects = []
    for version in ("ours", "other"):
        here = folder / version
        run(ROOT / "src/amalgamate.py", here)
        if version == "other":
            for path in here.glob("lio_uring.?pp"):
                path.write_text(re.sub(r"\binline v\d+\b", "inline v999", path.read_text()))
        nop = (ROOT / "tests/freestanding/nop_static.cpp").read_text().replace("<lio/uring.hpp>", '"lio_uring.hpp"')
        (here / "nop.cpp").write_text(nop.replace("int main()", f"void {version}()"))
        # Not optimised: whatever is inline is a function, of which the linker would keep one.
        for name in ("nop", "lio_uring"):
            objects.append(here / f"{name}.o")
            run(*options.compiler, "-std=c++20", "-O0", f"-I{here}", "-c", here / f"{name}.cpp", "-o", objects[-1])
    program = folder / "both"
    (folder / "main.cpp").write_text("void ours(); void other(); int main() { ours(); other(); }\n")
    run(*options.compiler, folder / "main.cpp", *objects, "-o", program)
    output = run(program)
    assert output == "nop 42: done\n" * 2, output
    names = {}
    for path in (folder / "ours/lio_uring.o", folder / "other/lio_uring.o"):
        names[path] = {line.split()[-1] for line in run("nm", "--defined-only", path).splitlines()
                       if re.search(r" [TWVBDu] _Z\w*3lio", line)}
    shared = set.intersection(*names.values())
    assert not shared, f"in both versions: {sorted(shared)[:5]}"


def main():
    global options
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--archive", type=Path)
    parser.add_argument("--shared", type=Path)
    parser.add_argument("--cpu", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("compiler", nargs="+")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for function in cases:
        name = function.__name__.replace("_", " ")
        try:
            reason = function()
            outcome = "skipped" if reason else "passed"
        except AssertionError as problem:
            outcome, reason = "failed", str(problem)
        counts[outcome] += 1
        print(f"{outcome}: {name}{': ' + reason if reason else ''}")
    print("[layering] " + " ".join(f"{key}={value}" for key, value in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
