#include "bare_loop.h"

#include <chrono>
#include <csetjmp>
#include <cstdio>
#include <new>
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

namespace canopy {
namespace {

struct BareDecoder {
  jpeg_error_mgr errors{};  // first, so that libjpeg's pointer to it is a pointer to this
  jpeg_decompress_struct info{};
  std::jmp_buf jump;

  BareDecoder() = default;
  ~BareDecoder() { jpeg_destroy_decompress(&info); }
  BareDecoder(const BareDecoder&) = delete;
  BareDecoder& operator=(const BareDecoder&) = delete;
};

void OnErrorExit(j_common_ptr info) { std::longjmp(reinterpret_cast<BareDecoder*>(info->err)->jump, 1); }

// The setjmps of this file are in this function and the next; no local variable there has a destructor. False if there
// is no memory for the decoder.
bool Create(BareDecoder* decoder) {
  if (setjmp(decoder->jump) != 0) return false;
  jpeg_create_decompress(&decoder->info);
  return true;
}

void DecodeAndDrop(BareDecoder* decoder, ByteSpan file, std::vector<uint8_t>* row) {
  if (setjmp(decoder->jump) != 0) {
    jpeg_abort_decompress(&decoder->info);
    return;
  }
  jpeg_mem_src(&decoder->info, file.data, static_cast<unsigned long>(file.size));
  jpeg_read_header(&decoder->info, TRUE);
  jpeg_start_decompress(&decoder->info);
  const size_t length =
      static_cast<size_t>(decoder->info.output_width) * static_cast<size_t>(decoder->info.output_components);
  if (row->size() < length) row->resize(length);
  JSAMPROW pointer = row->data();
  while (decoder->info.output_scanline < decoder->info.output_height) jpeg_read_scanlines(&decoder->info, &pointer, 1);
  jpeg_finish_decompress(&decoder->info);
}

}  // namespace

double BareDecodeLoop(const std::vector<ByteSpan>& files) {
  BareDecoder decoder;
  decoder.info.err = jpeg_std_error(&decoder.errors);
  decoder.errors.error_exit = OnErrorExit;
  decoder.errors.output_message = [](j_common_ptr) {};
  if (!Create(&decoder)) throw std::bad_alloc();
  std::vector<uint8_t> row;
  const auto start = std::chrono::steady_clock::now();
  for (const ByteSpan& file : files) DecodeAndDrop(&decoder, file, &row);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace canopy
