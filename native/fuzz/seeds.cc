// Writes seed files for the fuzzer into the folder given: small JPEGs of every kind the decoder knows. The first byte
// of each file is the fuzzer's options.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

namespace {

struct Kind {
  J_COLOR_SPACE in;
  J_COLOR_SPACE out;
  int components;
  int sampling[2];  // horizontal and vertical, of the first component and the fourth
  enum Scans { kOne, kPerComponent, kProgressive } scans;
  unsigned restart_interval;  // in MCUs
  bool marker;                // JFIF or Adobe, as libjpeg chooses
};

constexpr Kind kKinds[] = {
    {JCS_RGB, JCS_YCbCr, 3, {1, 1}, Kind::kOne, 0, true},
    {JCS_RGB, JCS_YCbCr, 3, {2, 2}, Kind::kOne, 0, true},
    {JCS_RGB, JCS_YCbCr, 3, {2, 1}, Kind::kOne, 0, true},
    {JCS_RGB, JCS_YCbCr, 3, {1, 2}, Kind::kOne, 2, true},
    {JCS_RGB, JCS_YCbCr, 3, {4, 1}, Kind::kOne, 0, true},
    {JCS_RGB, JCS_YCbCr, 3, {2, 2}, Kind::kProgressive, 0, true},
    {JCS_RGB, JCS_YCbCr, 3, {1, 1}, Kind::kProgressive, 3, true},
    {JCS_RGB, JCS_YCbCr, 3, {2, 2}, Kind::kOne, 1, true},
    {JCS_RGB, JCS_YCbCr, 3, {1, 1}, Kind::kOne, 5, true},
    {JCS_RGB, JCS_RGB, 3, {1, 1}, Kind::kOne, 0, true},
    {JCS_RGB, JCS_RGB, 3, {1, 1}, Kind::kOne, 4, false},
    {JCS_GRAYSCALE, JCS_GRAYSCALE, 1, {1, 1}, Kind::kOne, 0, true},
    {JCS_GRAYSCALE, JCS_GRAYSCALE, 1, {2, 2}, Kind::kOne, 3, false},
    {JCS_GRAYSCALE, JCS_GRAYSCALE, 1, {1, 1}, Kind::kProgressive, 0, true},
    {JCS_CMYK, JCS_CMYK, 4, {1, 1}, Kind::kOne, 0, false},
    {JCS_CMYK, JCS_CMYK, 4, {1, 1}, Kind::kOne, 2, false},
    {JCS_CMYK, JCS_CMYK, 4, {1, 1}, Kind::kProgressive, 0, false},
    {JCS_CMYK, JCS_CMYK, 4, {1, 1}, Kind::kOne, 0, true},
    {JCS_CMYK, JCS_YCCK, 4, {1, 1}, Kind::kOne, 0, true},
    {JCS_CMYK, JCS_YCCK, 4, {2, 2}, Kind::kOne, 2, true},
    {JCS_CMYK, JCS_YCCK, 4, {2, 2}, Kind::kProgressive, 0, true},
    {JCS_RGB, JCS_YCbCr, 3, {2, 2}, Kind::kPerComponent, 0, true},
    {JCS_CMYK, JCS_CMYK, 4, {1, 1}, Kind::kPerComponent, 3, false},
    {JCS_UNKNOWN, JCS_UNKNOWN, 2, {1, 1}, Kind::kOne, 0, false},
};

struct Shape {
  unsigned width;
  unsigned height;
  std::vector<uint8_t> options;
};

// See decode_fuzzer.cc: sizes 16, accepting damage, whole, 1 at an eighth, 7 without antialiasing, 7 checked.
const Shape kShapes[] = {{24, 24, {0x00, 0x40, 0x80, 0x03}},
                         {9, 17, {0x00, 0x80}},
                         {80, 33, {0x43, 0x21, 0x1f}},
                         {130, 115, {0x01, 0x41, 0x1d}}};

// Waves with some noise. `opaque`: every fourth byte is 255.
std::vector<uint8_t> Picture(unsigned width, unsigned height, int components, bool opaque) {
  std::vector<uint8_t> pixels(size_t{width} * height * static_cast<size_t>(components));
  for (size_t i = 0; i < pixels.size(); i++) {
    const size_t x = i / static_cast<size_t>(components);
    const bool alpha = opaque && components == 4 && i % 4 == 3;
    pixels[i] = alpha ? 255 : static_cast<uint8_t>(x * 3 + (x / width) * 5 + (i * 37 % 11) * (x % 29));
  }
  return pixels;
}

std::vector<uint8_t> Encode(const Kind& kind, const Shape& shape) {
  jpeg_error_mgr errors;
  jpeg_compress_struct info;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = shape.width;
  info.image_height = shape.height;
  info.input_components = kind.components;
  info.in_color_space = kind.in;
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, kind.out);
  if (!kind.marker) info.write_JFIF_header = info.write_Adobe_marker = FALSE;
  for (int c = 0; c < kind.components; c++) {
    const bool fine = c == 0 || c == 3;
    info.comp_info[c].h_samp_factor = fine ? kind.sampling[0] : 1;
    info.comp_info[c].v_samp_factor = fine ? kind.sampling[1] : 1;
  }
  jpeg_set_quality(&info, 60, TRUE);
  if (kind.scans == Kind::kProgressive) jpeg_simple_progression(&info);
  jpeg_scan_info scans[MAX_COMPS_IN_SCAN];
  if (kind.scans == Kind::kPerComponent) {
    for (int c = 0; c < kind.components; c++) scans[c] = {1, {c}, 0, DCTSIZE2 - 1, 0, 0};
    info.scan_info = scans;
    info.num_scans = kind.components;
  }
  info.restart_interval = kind.restart_interval;
  std::vector<uint8_t> pixels = Picture(shape.width, shape.height, kind.components, !kind.marker);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = pixels.data() + size_t{info.next_scanline} * shape.width * static_cast<size_t>(kind.components);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::vector<uint8_t> result(bytes, bytes + size);
  std::free(bytes);
  return result;
}

void Write(const std::string& path, uint8_t options, const std::vector<uint8_t>& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.put(static_cast<char>(options));
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: seeds FOLDER\n"), 2;
  int count = 0;
  for (const Kind& kind : kKinds) {
    for (const Shape& shape : kShapes) {
      const std::vector<uint8_t> bytes = Encode(kind, shape);
      for (uint8_t options : shape.options)
        Write(std::string(argv[1]) + "/seed" + std::to_string(count++), options, bytes);
    }
  }
  Write(std::string(argv[1]) + "/png", 0, {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'});
  return 0;
}
