#ifndef PAGEMAPD_CLI_OUTPUT_PRINTABLE_TEXT_H_
#define PAGEMAPD_CLI_OUTPUT_PRINTABLE_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace pagemapd {

// `bytes` (a path, a label, a daemon's message) made safe to print on a terminal: control
// characters, characters that change the direction of writing, and bytes that are not UTF-8 become
// "\xNN"; so does everything beyond ASCII if not `utf8`. A name chosen by another user can then
// neither move the cursor nor pose as another.
std::string PrintableText(absl::string_view bytes, bool utf8);

// Columns that PrintableText's result takes: its code points.
size_t TextColumns(absl::string_view text);

// `text` in at most `columns` columns: the end of it, which in a path says most, after a mark
// where something was cut off ("…", or "~" if not `utf8`).
std::string KeepTail(absl::string_view text, size_t columns, bool utf8);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_OUTPUT_PRINTABLE_TEXT_H_
