#ifndef PAGEMAPD_CLI_EXTENT_WRITER_H_
#define PAGEMAPD_CLI_EXTENT_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/page_annotator.h"
#include "cli/page_line.h"
#include "cli/session.h"

namespace pagemapd {

// Writes extents in the session's format as they come.
class ExtentWriter {
 public:
  struct Options {
    uint64_t page_size_bytes = 0;
    // In tables; the other formats show what is there.
    bool with_locations = false;
    bool with_flags = false;
    // The target is the object mapped there.
    std::optional<uint64_t> object_address;
    // Adds to each line, in tables in place of the mapping's name; may be null.
    const PageAnnotator* annotator = nullptr;
  };

  // `mappings` name the extents of a table; for extents of an object the one at its address does.
  // They and `session` must outlive this object.
  ExtentWriter(const Session& session, SwapAreaPaths areas,
               const std::vector<v1::Mapping>& mappings, const Options& options);

  // False once the output takes no more.
  bool Write(const v1::ProcessRef& process, const v1::PageChunk& chunk);

  // Ends the document. Without extents there is none if the query failed.
  void Finish(bool failed);

  uint64_t extents() const { return extents_; }

 private:
  void Open();
  bool WriteParts(const v1::ProcessRef& process, const v1::PageChunk& chunk,
                  const v1::PageExtent& extent);
  bool WriteExtent(const v1::ProcessRef& process, const v1::PageChunk& chunk,
                   const v1::PageExtent& extent);
  void WriteTableRow(const v1::PageExtent& extent);
  std::string LastColumns(uint64_t address);
  void AppendRow(const std::string& range, const std::string& pages, const std::string& size,
                 const std::string& state, const std::string& location, const std::string& flags,
                 const std::string& last_columns);
  void AppendCell(const std::string& text, size_t width, bool right);

  const Session& session_;
  const Options options_;
  const PageLineWriter lines_;
  const std::vector<v1::Mapping>& mappings_;
  bool opened_ = false;
  uint64_t extents_ = 0;
  // The mapping of the last row, and its name: most rows have the same.
  const v1::Mapping* named_ = nullptr;
  std::string name_ = "-";
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_EXTENT_WRITER_H_
