#include "scan_layout.h"

namespace canopy {
namespace {

// Codes and values take at most 31 bits a coefficient, one byte of which may be followed by a stuffed zero; restart
// markers add two bytes an MCU. No MCU has more than ten blocks.
constexpr size_t kMaxMcuBytes = 10 * 64 * 8 + 2;

bool IsBetween(int value, int low, int high) { return value >= low && value <= high; }

bool HasTables(const jpeg_decompress_struct& info, const jpeg_component_info& component) {
  const int dc = component.dc_tbl_no;
  const int ac = component.ac_tbl_no;
  const int quantum = component.quant_tbl_no;
  if (!IsBetween(dc, 0, NUM_HUFF_TBLS - 1) || !IsBetween(ac, 0, NUM_HUFF_TBLS - 1)) return false;
  if (!IsBetween(quantum, 0, NUM_QUANT_TBLS - 1)) return false;
  return info.dc_huff_tbl_ptrs[dc] != nullptr && info.ac_huff_tbl_ptrs[ac] != nullptr &&
         info.quant_tbl_ptrs[quantum] != nullptr;
}

}  // namespace

bool LayOutScan(const jpeg_decompress_struct& info, ScanLayout* layout) {
  const int count = info.num_components;
  if (info.progressive_mode || info.arith_code || info.data_precision != 8 || info.comps_in_scan != count) return false;
  if (!IsBetween(count, 1, MAX_COMPS_IN_SCAN)) return false;
  if (info.Ss != 0 || info.Se != DCTSIZE2 - 1 || info.Ah != 0 || info.Al != 0) return false;
  int blocks = 0;
  for (int c = 0; c < count; c++) {
    const jpeg_component_info& component = info.comp_info[c];
    if (info.cur_comp_info[c] != &component || !HasTables(info, component)) return false;
    blocks += component.h_samp_factor * component.v_samp_factor;
  }
  // A single component comes block by block, whatever its sampling factors say.
  if (count == 1 && blocks != 1) return false;
  if (blocks > D_MAX_BLOCKS_IN_MCU) return false;
  const int mcu_width = DCTSIZE * info.max_h_samp_factor;
  const int mcu_height = DCTSIZE * info.max_v_samp_factor;
  *layout = {count, info.max_h_samp_factor, info.max_v_samp_factor,
             (static_cast<int>(info.image_width) + mcu_width - 1) / mcu_width,
             (static_cast<int>(info.image_height) + mcu_height - 1) / mcu_height};
  return true;
}

ByteSpan ScanBytes(const jpeg_decompress_struct& info) {
  return {info.src->next_input_byte, info.src->bytes_in_buffer};
}

size_t MaxScanBytes(const ScanLayout& layout) {
  return static_cast<size_t>(layout.mcu_columns) * static_cast<size_t>(layout.mcu_rows) * kMaxMcuBytes;
}

}  // namespace canopy
