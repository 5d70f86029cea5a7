"""libFuzzer targets."""

def fuzz_test(name, deps, args = ["-runs=10000"], **kwargs):
    """A libFuzzer target over NAME.cc; its seeds lie in corpus/, less the name's "_fuzzer".

    A test for the sake of --build_manual_tests, by which --config=fuzz builds it; without that
    config nothing does. run.sh finds it by its name, which must end in "_fuzzer".

    Args:
      name: of the target and, with ".cc" behind it, of its one source.
      deps: what it tests.
      args: libFuzzer's, where it runs as a test.
      **kwargs: further arguments of cc_test.
    """
    if not name.endswith("_fuzzer"):
        fail("run.sh would not find " + name)
    native.cc_test(
        name = name,
        srcs = [name + ".cc"],
        args = args,
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],
        deps = deps + [":require"],
        **kwargs
    )
