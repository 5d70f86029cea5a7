"""BPF programs, compiled and wrapped for the daemon at build time."""

def bpf_skeleton(name, src, hdrs):
    """Makes NAME.skel.h, the library `NAME`, of the BPF program `src` (NAME.bpf.c).

    clang and bpftool are the system's. The program finds kernel structures when it is loaded, so
    the result runs on other kernels than that of the build machine.
    """
    native.genrule(
        name = name + "_skel",
        srcs = [src] + hdrs,
        outs = [name + ".skel.h"],
        cmd = " && ".join([
            "clang -target bpf -mcpu=v3 -g -O2 -Wall -Werror -I." +
            " -I/usr/include/$$(uname -m)-linux-gnu -c $(location " + src + ") -o $(@D)/" + name +
            ".o",
            # Links one object, which leaves BTF and drops DWARF.
            "/usr/sbin/bpftool gen object $(@D)/" + name + ".linked.o $(@D)/" + name + ".o",
            "/usr/sbin/bpftool gen skeleton $(@D)/" + name + ".linked.o name " + name + "_bpf > $@",
        ]),
        visibility = ["//visibility:private"],
    )
    native.cc_library(
        name = name,
        hdrs = [name + ".skel.h"],
        visibility = ["//visibility:private"],
        deps = ["//third_party:libbpf"],
    )
