#ifndef PAGEMAPD_CLI_PAGE_ANNOTATOR_H_
#define PAGEMAPD_CLI_PAGE_ANNOTATOR_H_

#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace pagemapd {

// What a list of pages tells of addresses beyond what the daemon knows.
class PageAnnotator {
 public:
  virtual ~PageAnnotator() = default;

  // Bytes from `address` on for which one annotation, that of `address`, is enough. Extents are
  // split there. Not 0.
  virtual uint64_t UniformBytes(uint64_t address) const = 0;

  // A table's last columns, in place of the mapping's name; printable.
  virtual std::string TableHeading() const = 0;
  virtual std::string TableText(uint64_t address) const = 0;

  // Appends members, each with a comma before it, to a JSON object.
  virtual void AppendJson(uint64_t address, fmt::memory_buffer& out) const = 0;

  // Columns, each with a comma before it.
  virtual std::string CsvHeading() const = 0;
  virtual void AppendCsv(uint64_t address, fmt::memory_buffer& out) const = 0;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PAGE_ANNOTATOR_H_
