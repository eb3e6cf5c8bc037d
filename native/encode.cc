#include "encode.h"

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

#include "error.h"

namespace canopy {
namespace {

struct Encoder {
  jpeg_error_mgr errors;  // first, so that libjpeg's pointer to it is a pointer to this
  jpeg_compress_struct info;
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
  unsigned char* bytes;
  unsigned long byte_length;
};

void OnErrorExit(j_common_ptr info) {
  Encoder* encoder = reinterpret_cast<Encoder*>(info->err);
  info->err->format_message(info, encoder->message);
  std::longjmp(encoder->jump, 1);
}

// The only setjmp of this file; no local variable here has a destructor. False on failure, with the message in
// `encoder`.
bool Encode(Encoder* encoder, const uint8_t* rgba, int width, int height, int quality) {
  if (setjmp(encoder->jump) != 0) return false;
  jpeg_compress_struct* info = &encoder->info;
  jpeg_create_compress(info);
  jpeg_mem_dest(info, &encoder->bytes, &encoder->byte_length);
  info->image_width = static_cast<JDIMENSION>(width);
  info->image_height = static_cast<JDIMENSION>(height);
  info->input_components = 4;
  // Unknown colours: ids 0..3, all sampled 1x1, and no marker.
  info->in_color_space = JCS_UNKNOWN;
  jpeg_set_defaults(info);
  jpeg_set_quality(info, quality, TRUE);
  info->optimize_coding = TRUE;
  jpeg_start_compress(info, TRUE);
  while (info->next_scanline < info->image_height) {
    // libjpeg does not write to its input rows; its prototype only lacks the const.
    JSAMPROW row =
        const_cast<JSAMPROW>(rgba + static_cast<size_t>(info->next_scanline) * static_cast<size_t>(width) * 4);
    jpeg_write_scanlines(info, &row, 1);
  }
  jpeg_finish_compress(info);
  return true;
}

}  // namespace

std::vector<uint8_t> EncodePlanetJpeg(const uint8_t* rgba, int width, int height, int quality) {
  Encoder encoder{};
  encoder.info.err = jpeg_std_error(&encoder.errors);
  encoder.errors.error_exit = OnErrorExit;
  const bool done = Encode(&encoder, rgba, width, height, quality);
  std::vector<uint8_t> result;
  if (done) result.assign(encoder.bytes, encoder.bytes + encoder.byte_length);
  jpeg_destroy_compress(&encoder.info);
  std::free(encoder.bytes);
  if (!done) throw DecodeError(ErrorCode::kFormat, encoder.message);
  return result;
}

}  // namespace canopy
