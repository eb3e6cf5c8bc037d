// ScanFilter: skips those scans of a progressive JPEG that its image at an eighth of the size does not depend on.
#ifndef CANOPY_NATIVE_SCAN_FILTER_H_
#define CANOPY_NATIVE_SCAN_FILTER_H_

#include <cstdint>

#include "image.h"
#include "scan_header.h"

namespace canopy {

// If a component becomes one sample per block, only the block's mean is needed, and the scans with its other
// coefficients can be skipped. Their data are not read, so damage in them goes unnoticed, unless it looks like a
// marker.
class ScanFilter {
 public:
  // `info` is as jpeg_read_header leaves it, the source at the first entropy-coded byte, with the rest of the file in
  // its buffer. False if everything must be read: if nothing can be skipped, or if the file is not a proper progression
  // up to the last bit of each coefficient, with nothing but markers and data up to its end marker. libjpeg decides
  // about such files.
  bool Plan(const jpeg_decompress_struct& info);
  // The next piece to be read; false after the last. The first begins with the data of the scan whose header has been
  // read, the others with a marker.
  bool Next(ByteSpan* piece);
  void Clear() { piece_count_ = next_piece_ = 0; }

 private:
  bool Walk(const jpeg_decompress_struct& info);
  bool Advance(const ScanHeader& scan);
  bool IsComplete(int components) const;
  bool Keep(const uint8_t* from, const uint8_t* to);

  // More scans than a usual file has.
  static constexpr int kMaxPieces = 64;
  ByteSpan pieces_[kMaxPieces];
  int piece_count_ = 0;
  int next_piece_ = 0;
  // The lowest bit read so far of each coefficient of each component; -1 before the first.
  int8_t low_bits_[MAX_COMPS_IN_SCAN][DCTSIZE2];
};

}  // namespace canopy

#endif  // CANOPY_NATIVE_SCAN_FILTER_H_
