// What libjpeg calls back: errors, warnings and the end of the data.
#include <cstdio>

#include "jpeg.h"
// jerror.h needs jpeglib.h before it.
#include <jerror.h>

namespace canopy {
namespace {

constexpr JOCTET kEndOfImage[2] = {0xFF, JPEG_EOI};

bool IsUnsupported(int code) {
  switch (code) {
#if JPEG_LIB_VERSION < 70
    case JERR_ARITH_NOTIMPL:
#endif
    case JERR_BAD_PRECISION:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_SOF_UNSUPPORTED:
      return true;
    default:
      return false;
  }
}

bool IsLimit(int code) {
  return code == JERR_IMAGE_TOO_BIG || code == JERR_OUT_OF_MEMORY || code == JERR_NO_BACKING_STORE ||
         code == JERR_WIDTH_OVERFLOW;
}

}  // namespace

void JpegReader::Fail(ErrorCode code, const char* message) {
  code_ = code;
  std::snprintf(message_, sizeof(message_), "%s", message);
  std::longjmp(jump_, 1);
}

void JpegReader::Damage(ErrorCode code, const char* message) {
  damaged_ = true;
  if (!limits_.accept_damage || !started_) Fail(code, message);
}

void JpegReader::OnErrorExit(j_common_ptr info) {
  JpegReader* self = reinterpret_cast<ErrorManager*>(info->err)->reader;
  const int code = info->err->msg_code;
  char text[JMSG_LENGTH_MAX];
  info->err->format_message(info, text);
  if (IsUnsupported(code)) {
    self->code_ = ErrorCode::kFormat;
    std::snprintf(self->message_, sizeof(self->message_), "Unsupported JPEG: %.150s", text);
  } else if (code == JERR_OUT_OF_MEMORY && info->err->msg_parm.i[0] != kBeyondLimit) {
    self->code_ = ErrorCode::kOutOfMemory;
    std::snprintf(self->message_, sizeof(self->message_), "%s", kOutOfMemoryMessage);
  } else if (IsLimit(code)) {
    self->code_ = ErrorCode::kLimit;
    std::snprintf(self->message_, sizeof(self->message_), "JPEG too large: %.150s", text);
  } else if (self->ended_) {
    self->code_ = ErrorCode::kTruncated;
    std::snprintf(self->message_, sizeof(self->message_), "JPEG data ends early");
  } else {
    self->code_ = ErrorCode::kCorrupt;
    std::snprintf(self->message_, sizeof(self->message_), "Corrupt JPEG: %.150s", text);
  }
  std::longjmp(self->jump_, 1);
}

void JpegReader::OnMessage(j_common_ptr info, int level) {
  if (level >= 0) return;
  JpegReader* self = reinterpret_cast<ErrorManager*>(info->err)->reader;
  const int code = info->err->msg_code;
  // Bytes between header segments are harmless; odd but unambiguous parameters too.
  if (code == JWRN_EXTRANEOUS_DATA && !self->started_) return;
  if (code == JWRN_ADOBE_XFORM || code == JWRN_BOGUS_PROGRESSION || code == JWRN_NOT_SEQUENTIAL) return;
  if (self->ended_ || (code == JWRN_HIT_MARKER && self->info_.unread_marker == JPEG_EOI)) {
    self->Damage(ErrorCode::kTruncated, "JPEG data ends early");
    return;
  }
  char text[JMSG_LENGTH_MAX];
  info->err->format_message(info, text);
  self->Damage(ErrorCode::kCorrupt, text);
}

void JpegReader::OnProgress(j_common_ptr info) { reinterpret_cast<ErrorManager*>(info->err)->reader->CheckScan(); }

boolean JpegReader::OnBufferEmpty(j_decompress_ptr info) {
  JpegReader* self = reinterpret_cast<ErrorManager*>(info->err)->reader;
  ByteSpan piece;
  if (self->scans_.Next(&piece)) {
    info->src->next_input_byte = piece.data;
    info->src->bytes_in_buffer = piece.size;
    return TRUE;
  }
  self->ended_ = true;
  self->Damage(ErrorCode::kTruncated, "JPEG data ends early");
  info->src->next_input_byte = kEndOfImage;
  info->src->bytes_in_buffer = sizeof(kEndOfImage);
  return TRUE;
}

void JpegReader::OnSkip(j_decompress_ptr info, long count) {
  if (count <= 0) return;
  if (static_cast<size_t>(count) > info->src->bytes_in_buffer) {
    OnBufferEmpty(info);
    return;
  }
  info->src->next_input_byte += count;
  info->src->bytes_in_buffer -= static_cast<size_t>(count);
}

}  // namespace canopy
