#include "jpeg.h"

#include <algorithm>
#include <cstring>

namespace canopy {
namespace {

// Memory for libjpeg, nearly all for the coefficients of progressive files; and how much of it is kept from file to
// file, enough for progressive tiles of 1,600 x 1,600 pixels.
constexpr uint64_t kMaxCodecMemory = uint64_t{1} << 30;
constexpr size_t kKeptCodecMemory = size_t{16} << 20;
constexpr int kStripRows = 16;

}  // namespace

JpegReader::JpegReader() : memory_(kMaxCodecMemory, kKeptCodecMemory) {
  info_.err = jpeg_std_error(&errors_.base);
  errors_.base.error_exit = OnErrorExit;
  errors_.base.emit_message = OnMessage;
  errors_.reader = this;
  progress_.base.progress_monitor = OnProgress;
  progress_.reader = this;
  source_.init_source = [](j_decompress_ptr) {};
  source_.fill_input_buffer = OnBufferEmpty;
  source_.skip_input_data = OnSkip;
  source_.resync_to_restart = jpeg_resync_to_restart;
  source_.term_source = [](j_decompress_ptr) {};
}

JpegReader::~JpegReader() {
  if (created_) jpeg_destroy_decompress(&new_info_);
}

const JpegHeader& JpegReader::Open(ByteSpan bytes, const JpegLimits& limits) {
  if (!created_) Run(&JpegReader::CreateStep);
  Renew();
  limits_ = limits;
  ended_ = started_ = damaged_ = is_flawed_ = false;
  last_scan_ = 0;
  work_ = 0;
  rows_read_ = 0;
  scans_.Clear();
  source_.next_input_byte = bytes.data;
  source_.bytes_in_buffer = bytes.size;
  info_.src = &source_;
  Run(&JpegReader::OpenStep);
  FillHeader();
  CheckLimits();
  started_ = true;
  return header_;
}

void JpegReader::Start(const JpegPlan& plan) {
  plan_ = plan;
  ChargeDecoding();
  way_ = Way::kLibjpeg;
  Run(&JpegReader::StartStep);
  output_width_ = static_cast<int>(info_.output_width);
  output_height_ = static_cast<int>(info_.output_height);
  PrepareRows();
}

bool JpegReader::StartEighth() {
  plan_ = {JCS_UNKNOWN, JCS_UNKNOWN, true, DCTSIZE};
  if (!info_.progressive_mode) ChargeDecoding();
  const bool done = info_.progressive_mode ? dc_progression_.Decode(info_, &eighth_) : dc_scan_.Decode(info_, &eighth_);
  if (!done) return false;
  way_ = Way::kEighth;
  output_width_ = (header_.width + DCTSIZE - 1) / DCTSIZE;
  output_height_ = (header_.height + DCTSIZE - 1) / DCTSIZE;
  return true;
}

bool JpegReader::StartBaseline(FourthComponent fourth) {
  plan_ = {JCS_UNKNOWN, JCS_UNKNOWN, true, 1};
  ChargeDecoding();
  if (!baseline_.Start(info_, fourth)) return false;
  way_ = Way::kBaseline;
  output_width_ = header_.width;
  output_height_ = header_.height;
  int row_count = 0;
  for (int c = 0; c < std::min(header_.components, 3); c++) row_count += header_.sampling[c].vertical * DCTSIZE;
  strip_rows_ = info_.max_v_samp_factor * DCTSIZE;
  stride_ = PaddedStride(baseline_.row_length());
  Reserve(row_count);
  return true;
}

bool JpegReader::Next(Strip* strip) {
  if (at_end()) return false;
  strip->width = output_width_;
  if (way_ == Way::kBaseline) return NextBaseline(strip);
  if (way_ == Way::kEighth) {
    NextEighth(strip);
    return true;
  }
  strip->stride = stride_;
  strip->components = info_.output_components;
  const int before = rows_read_;
  Run(plan_.planes ? &JpegReader::NextPlanesStep : &JpegReader::NextRowsStep);
  strip->rows = std::min(rows_read_, output_height_) - before;
  for (int c = 0; c < 4; c++) {
    const bool present = plan_.planes && c < info_.num_components;
    strip->planes[c] = present ? component_rows_[c][0] : rows_[0];
  }
  return true;
}

void JpegReader::NextEighth(Strip* strip) {
  strip->stride = eighth_.stride;
  strip->components = info_.num_components;
  strip->rows = std::min(kStripRows, output_height_ - rows_read_);
  for (int c = 0; c < 4; c++) {
    const int component = c < info_.num_components ? c : 0;
    strip->planes[c] =
        eighth_.samples.data() + eighth_.offset[component] + static_cast<size_t>(rows_read_) * eighth_.stride;
  }
  rows_read_ += strip->rows;
}

bool JpegReader::NextBaseline(Strip* strip) {
  ComponentRows rows{{}, stride_};
  size_t row = 0;
  for (int c = 0; c < 4; c++) {
    const bool present = c < std::min(header_.components, 3);
    strip->planes[c] = buffer_.data() + (present ? row : 0) * stride_;
    if (!present) continue;
    rows.samples[c] = buffer_.data() + row * stride_;
    row += static_cast<size_t>(header_.sampling[c].vertical * DCTSIZE);
  }
  strip->stride = stride_;
  strip->components = header_.components;
  strip->rows = std::min(strip_rows_, output_height_ - rows_read_);
  rows_read_ += strip->rows;
  is_flawed_ = !baseline_.ReadRow(rows);
  return !is_flawed_;
}

void JpegReader::Finish() {
  // canopy's own decoders have seen the end marker already.
  if (way_ == Way::kLibjpeg) Run(&JpegReader::FinishStep);
}

// The only function that calls setjmp. libjpeg leaves by longjmp through OnErrorExit, and OnMessage through Fail. The
// steps have no local variable with a destructor, so no destructor is skipped.
void JpegReader::Run(Step step) {
  if (setjmp(jump_) != 0) {
    memory_.Reset();
    // The part of it that was created before memory ran out.
    if (!created_) jpeg_destroy_decompress(&info_);
    throw DecodeError(code_, message_);
  }
  (this->*step)();
}

void JpegReader::CreateStep() {
  jpeg_create_decompress(&info_);
  info_.progress = &progress_.base;
  // Enough of each APP2 marker to recognise an ICC profile.
  jpeg_save_markers(&info_, JPEG_APP0 + 2, 14);
  new_info_ = info_;
  created_ = true;
}

// libjpeg keeps quantisation and Huffman tables from one file to the next, and a file without tables would be decoded
// with those of the file before. So each file starts with the object as it was created. The state behind its pointers
// is reset by jpeg_read_header and jpeg_start_decompress.
void JpegReader::Renew() {
  info_ = new_info_;
  memory_.Reset();
  info_.mem = memory_.manager();
}

void JpegReader::OpenStep() {
  jpeg_read_header(&info_, TRUE);
  if (info_.data_precision != 8) {
    Fail(ErrorCode::kFormat, "JPEG with more than 8 bits per sample is not supported");
  }
  if (info_.arith_code) Fail(ErrorCode::kFormat, "JPEG with arithmetic coding is not supported");
}

void JpegReader::StartStep() {
  info_.jpeg_color_space = plan_.from;
  info_.out_color_space = plan_.to;
  info_.scale_num = 1;
  info_.scale_denom = static_cast<unsigned>(plan_.scale_denominator);
  info_.raw_data_out = plan_.planes ? TRUE : FALSE;
  if (info_.progressive_mode && plan_.scale_denominator == DCTSIZE) LeaveOutScans();
  jpeg_start_decompress(&info_);
}

void JpegReader::LeaveOutScans() {
  if (!scans_.Plan(info_)) return;
  // libjpeg would take the scans that are left out as not sent yet, and smooth the image to replace them.
  info_.do_block_smoothing = FALSE;
  OnBufferEmpty(&info_);
}

void JpegReader::NextPlanesStep() {
  rows_read_ += static_cast<int>(jpeg_read_raw_data(&info_, component_rows_, static_cast<JDIMENSION>(strip_rows_)));
}

void JpegReader::NextRowsStep() {
  const int wanted = std::min(strip_rows_, static_cast<int>(info_.output_height) - rows_read_);
  for (int done = 0; done < wanted;) {
    done += static_cast<int>(jpeg_read_scanlines(&info_, rows_.data() + done, static_cast<JDIMENSION>(wanted - done)));
  }
  rows_read_ += wanted;
}

void JpegReader::FinishStep() {
  if (jpeg_finish_decompress(&info_) == FALSE) {
    Damage(ErrorCode::kCorrupt, "Corrupt JPEG: another scan follows the complete image");
    jpeg_abort_decompress(&info_);
  }
}

void JpegReader::FillHeader() {
  header_.width = static_cast<int>(info_.image_width);
  header_.height = static_cast<int>(info_.image_height);
  header_.components = info_.num_components;
  header_.progressive = info_.progressive_mode;
  header_.jfif = info_.saw_JFIF_marker;
  header_.adobe_transform = info_.saw_Adobe_marker ? info_.Adobe_transform : -1;
  header_.colorspace = info_.jpeg_color_space;
  header_.unsampled = true;
  for (int c = 0; c < info_.num_components; c++) {
    const jpeg_component_info& component = info_.comp_info[c];
    if (component.h_samp_factor != 1 || component.v_samp_factor != 1) header_.unsampled = false;
    if (c < MAX_COMPS_IN_SCAN) header_.sampling[c] = {component.h_samp_factor, component.v_samp_factor};
  }
  header_.icc = false;
  for (jpeg_saved_marker_ptr marker = info_.marker_list; marker != nullptr; marker = marker->next) {
    if (marker->data_length >= 12 && std::memcmp(marker->data, "ICC_PROFILE", 12) == 0) header_.icc = true;
  }
}

// Rows for one strip: planes one after the other, or interleaved pixels.
void JpegReader::PrepareRows() {
  if (plan_.planes) return PreparePlanes();
  strip_rows_ = kStripRows;
  stride_ = PaddedStride(static_cast<size_t>(info_.output_width) * static_cast<size_t>(info_.output_components));
  Reserve(strip_rows_);
}

// libjpeg writes whole blocks of every component, and one row of MCUs at a time.
void JpegReader::PreparePlanes() {
  const int block = DCTSIZE / plan_.scale_denominator;
  int row_count = 0;
  size_t width = 0;
  for (int c = 0; c < info_.num_components; c++) {
    const jpeg_component_info& component = info_.comp_info[c];
    row_count += component.v_samp_factor * block;
    width = std::max(width, static_cast<size_t>(component.width_in_blocks) * static_cast<size_t>(block));
  }
  strip_rows_ = info_.max_v_samp_factor * block;
  stride_ = PaddedStride(width);
  Reserve(row_count);
  int first = 0;
  for (int c = 0; c < info_.num_components; c++) {
    component_rows_[c] = rows_.data() + first;
    first += info_.comp_info[c].v_samp_factor * block;
  }
}

void JpegReader::Reserve(int row_count) {
  const size_t count = static_cast<size_t>(row_count);
  if (buffer_.size() < stride_ * count) buffer_.resize(stride_ * count);
  if (rows_.size() < count) rows_.resize(count);
  for (size_t i = 0; i < count; i++) rows_[i] = buffer_.data() + i * stride_;
}

}  // namespace canopy
