// JpegReader: libjpeg-turbo, created once per thread for any number of JPEGs, which it reads strip by strip.
#ifndef CANOPY_NATIVE_JPEG_H_
#define CANOPY_NATIVE_JPEG_H_

#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <vector>

#include "baseline.h"
#include "codec_memory.h"
#include "dc_progression.h"
#include "dc_scan.h"
#include "error.h"
#include "image.h"
#include "scan_filter.h"
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

namespace canopy {

struct JpegLimits {
  uint64_t max_pixels;
  // Reads a file on if its data ends early or is damaged, with grey for what is missing.
  bool accept_damage;
};

// Throws DecodeError for a picture of more pixels.
void CheckPixels(int width, int height, uint64_t max_pixels);
// The same for a file that begins with `head`, if its size is known by then.
void CheckHead(ByteSpan head, uint64_t max_pixels);

struct JpegHeader {
  int width;
  int height;
  int components;
  bool progressive;
  bool jfif;
  bool icc;
  int adobe_transform;       // -1 without an Adobe marker
  J_COLOR_SPACE colorspace;  // libjpeg's guess
  bool unsampled;            // all components sampled 1x1
  struct {
    int horizontal;
    int vertical;
  } sampling[MAX_COMPS_IN_SCAN];
};

// How the components are to come out.
struct JpegPlan {
  J_COLOR_SPACE from;     // what the components are taken to be
  J_COLOR_SPACE to;       // what libjpeg turns them into; equal to `from`: as they are
  bool planes;            // from the inverse DCT, without libjpeg's colour conversion: `unsampled` files only
  int scale_denominator;  // 1 or 8
};

struct Strip {
  // With planes: one pointer per component (the first four). Without: only the first, `components` bytes per pixel.
  const uint8_t* planes[4];
  size_t stride;
  int width;  // of the image
  int rows;   // of the image; a plane of a component sampled at half the height has half of them
  int components;

  const uint8_t* Row(int plane, int y) const { return planes[plane] + static_cast<size_t>(y) * stride; }
};

class JpegReader {
 public:
  JpegReader();
  ~JpegReader();
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  // Reads the header; `bytes` must stay alive until Finish or the next Open. Throws DecodeError, as all that follow.
  const JpegHeader& Open(ByteSpan bytes, const JpegLimits& limits);
  void Start(const JpegPlan& plan);
  // Instead of Start, canopy's own decoders: planes at an eighth of the size, or at full size. False if the decoder
  // does not cover the file; Start can still be called then.
  bool StartEighth();
  bool StartBaseline(FourthComponent fourth);
  // The next rows from top to bottom, valid until the next call; false after the last, or if is_flawed().
  bool Next(Strip* strip);
  // Whether the file turned out, in the middle, to be none that StartBaseline covers. Read it again with Open and
  // Start.
  bool is_flawed() const { return is_flawed_; }
  // Whether Next has given the last rows.
  bool at_end() const { return rows_read_ >= output_height_; }
  // Reads on to the end-of-image marker, so that a missing end is noticed.
  void Finish();

  const JpegHeader& header() const { return header_; }
  // Whether Next checks a fourth component that must be 255.
  bool checks_alpha() const { return way_ == Way::kBaseline; }
  // Whether data was missing or damaged so far (only ever true with `accept_damage`).
  bool damaged() const { return damaged_; }

 private:
  struct ErrorManager {
    jpeg_error_mgr base;  // first, so that libjpeg's pointer to it is a pointer to this
    JpegReader* reader;
  };
  struct ProgressMonitor {
    jpeg_progress_mgr base;
    JpegReader* reader;
  };
  using Step = void (JpegReader::*)();

  void Run(Step step);
  void CreateStep();
  void Renew();
  void OpenStep();
  void StartStep();
  void LeaveOutScans();
  void NextPlanesStep();
  void NextRowsStep();
  void FinishStep();
  void FillHeader();
  void CheckLimits();
  void CheckScan();
  void ChargeDecoding();
  uint64_t MaxWork() const;
  void PrepareRows();
  void PreparePlanes();
  void NextEighth(Strip* strip);
  bool NextBaseline(Strip* strip);
  void Reserve(int row_count);
  [[noreturn]] void Fail(ErrorCode code, const char* message);
  void Damage(ErrorCode code, const char* message);

  static void OnErrorExit(j_common_ptr info);
  static void OnMessage(j_common_ptr info, int level);
  static void OnProgress(j_common_ptr info);
  static boolean OnBufferEmpty(j_decompress_ptr info);
  static void OnSkip(j_decompress_ptr info, long count);

  jpeg_decompress_struct info_;
  jpeg_decompress_struct new_info_;  // as libjpeg creates it, with libjpeg's own memory manager
  CodecMemory memory_;
  ErrorManager errors_;
  ProgressMonitor progress_;
  jpeg_source_mgr source_;
  std::jmp_buf jump_;
  ErrorCode code_ = ErrorCode::kCorrupt;
  char message_[JMSG_LENGTH_MAX];

  JpegLimits limits_{};
  JpegHeader header_{};
  JpegPlan plan_{};
  bool created_ = false;
  bool ended_ = false;    // the source ran out of bytes
  bool started_ = false;  // past the header
  bool damaged_ = false;
  int last_scan_ = 0;
  uint64_t work_ = 0;

  ScanFilter scans_;
  std::vector<uint8_t> buffer_;
  std::vector<JSAMPROW> rows_;
  JSAMPARRAY component_rows_[MAX_COMPONENTS];
  size_t stride_ = 0;
  int strip_rows_ = 0;
  int rows_read_ = 0;
  int output_width_ = 0;
  int output_height_ = 0;
  enum class Way { kLibjpeg, kEighth, kBaseline } way_ = Way::kLibjpeg;
  bool is_flawed_ = false;
  DcScan dc_scan_;
  DcProgression dc_progression_;
  DcPlanes eighth_;
  BaselineReader baseline_;
};

}  // namespace canopy

#endif  // CANOPY_NATIVE_JPEG_H_
