#include "cli/output/printable_text.h"

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

TEST(PrintableTextTest, LeavesTextAlone) {
  EXPECT_EQ(PrintableText("/memfd:ram (deleted)", true), "/memfd:ram (deleted)");
  EXPECT_EQ(PrintableText("/tmp/größe 漢字 🙂", true), "/tmp/größe 漢字 🙂");
}

TEST(PrintableTextTest, EscapesControlCharacters) {
  EXPECT_EQ(PrintableText("a\x1b[2Jb\n\t\x7f", true), "a\\x1b[2Jb\\x0a\\x09\\x7f");
  EXPECT_EQ(PrintableText("\xc2\x9b"
                          "31m",
                          true),
            "\\xc2\\x9b31m");  // CSI as a C1 control.
  EXPECT_EQ(PrintableText("\u202egpj.exe", true), "\\xe2\\x80\\xaegpj.exe");
}

TEST(PrintableTextTest, EscapesWhatIsNotUtf8) {
  EXPECT_EQ(PrintableText("\xff", true), "\\xff");
  EXPECT_EQ(PrintableText("x\xc3", true), "x\\xc3");                  // Cut short.
  EXPECT_EQ(PrintableText("\xc0\x9b", true), "\\xc0\\x9b");           // Overlong.
  EXPECT_EQ(PrintableText("\xed\xa0\x80", true), "\\xed\\xa0\\x80");  // Surrogate.
}

TEST(PrintableTextTest, IsAsciiWithoutUtf8) {
  EXPECT_EQ(PrintableText("gr\xc3\xb6\xc3\x9f", false), "gr\\xc3\\xb6\\xc3\\x9f");
}

TEST(KeepTailTest, CutsTheFront) {
  EXPECT_EQ(KeepTail("/usr/lib/libc.so.6", 18, true), "/usr/lib/libc.so.6");
  EXPECT_EQ(KeepTail("/usr/lib/libc.so.6", 10, true), "…libc.so.6");
  EXPECT_EQ(KeepTail("/usr/lib/libc.so.6", 10, false), "~libc.so.6");
  EXPECT_EQ(KeepTail("äöüß", 3, true), "…üß");
  EXPECT_EQ(KeepTail("abc", 1, false), "~");
  EXPECT_EQ(KeepTail("abc", 0, false), "");
}

}  // namespace
}  // namespace pagemapd
