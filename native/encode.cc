#include "encode.h"

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <new>
// jpeglib.h needs size_t and FILE declared before it; jerror.h needs jpeglib.h.
#include <jerror.h>
#include <jpeglib.h>

#include "error.h"

namespace canopy {
namespace {

constexpr size_t kFirstCapacity = size_t{64} << 10;

// A destination in memory. libjpeg's own frees its memory twice if it cannot grow.
struct Destination {
  jpeg_destination_mgr base{};  // first, so that libjpeg's pointer to it is a pointer to this
  JOCTET* bytes = nullptr;
  size_t capacity = 0;
};

struct Encoder {
  jpeg_error_mgr errors{};  // first, so that libjpeg's pointer to it is a pointer to this
  jpeg_compress_struct info{};
  Destination destination;
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];

  Encoder() = default;
  ~Encoder() {
    jpeg_destroy_compress(&info);
    std::free(destination.bytes);
  }
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
};

void OnErrorExit(j_common_ptr info) {
  Encoder* encoder = reinterpret_cast<Encoder*>(info->err);
  info->err->format_message(info, encoder->message);
  std::longjmp(encoder->jump, 1);
}

// Makes room for more; the memory is full.
boolean Grow(j_compress_ptr info) {
  Destination* destination = reinterpret_cast<Destination*>(info->dest);
  const size_t capacity = destination->capacity == 0 ? kFirstCapacity : 2 * destination->capacity;
  void* bytes = std::realloc(destination->bytes, capacity);
  if (bytes == nullptr) ERREXIT1(info, JERR_OUT_OF_MEMORY, 0);
  destination->bytes = static_cast<JOCTET*>(bytes);
  destination->base.next_output_byte = destination->bytes + destination->capacity;
  destination->base.free_in_buffer = capacity - destination->capacity;
  destination->capacity = capacity;
  return TRUE;
}

// The only setjmp of this file; no local variable here has a destructor. False on failure, with the message in
// `encoder`.
bool Encode(Encoder* encoder, const uint8_t* rgba, int width, int height, int quality) {
  if (setjmp(encoder->jump) != 0) return false;
  jpeg_compress_struct* info = &encoder->info;
  jpeg_create_compress(info);
  info->dest = &encoder->destination.base;
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
  Encoder encoder;
  encoder.info.err = jpeg_std_error(&encoder.errors);
  encoder.errors.error_exit = OnErrorExit;
  Destination& destination = encoder.destination;
  destination.base.init_destination = [](j_compress_ptr info) { Grow(info); };
  destination.base.empty_output_buffer = Grow;
  destination.base.term_destination = [](j_compress_ptr) {};
  if (!Encode(&encoder, rgba, width, height, quality)) {
    if (encoder.errors.msg_code == JERR_OUT_OF_MEMORY) throw std::bad_alloc();
    throw DecodeError(ErrorCode::kFormat, encoder.message);
  }
  return {destination.bytes, destination.bytes + (destination.capacity - destination.base.free_in_buffer)};
}

}  // namespace canopy
