/** The rule of each operator; docs/gradients.md says where the formulas come from. */
import * as activations from "./activations.js";
import * as broadcast from "./broadcast.js";
import { conv } from "./convolution.js";
import { gemm, matMul } from "./linear.js";
import * as movement from "./movement.js";
import * as normalization from "./normalization.js";
import * as pooling from "./pooling.js";
import * as reduction from "./reduction.js";
import { resize } from "./resampling.js";
import type { Rule } from "./rule.js";

export const RULES: Readonly<Record<string, Rule>> = {
  Conv: conv,
  Gemm: gemm,
  MatMul: matMul,
  Add: broadcast.add,
  Sub: broadcast.subtract,
  Mul: broadcast.multiply,
  Div: broadcast.divide,
  Pow: broadcast.power,
  Sum: broadcast.sumOfAll,
  Mean: broadcast.meanOfAll,
  Max: broadcast.extremum,
  Min: broadcast.extremum,
  Where: broadcast.where,
  Expand: broadcast.expand,
  Relu: activations.relu,
  LeakyRelu: activations.leakyRelu,
  Elu: activations.elu,
  Clip: activations.clip,
  Sigmoid: activations.sigmoid,
  HardSigmoid: activations.hardSigmoid,
  HardSwish: activations.hardSwish,
  Softplus: activations.softplus,
  Tanh: activations.tanh,
  Gelu: activations.gelu,
  Erf: activations.erf,
  Exp: activations.exp,
  Log: activations.log,
  Sqrt: activations.sqrt,
  Reciprocal: activations.reciprocal,
  Neg: activations.negate,
  Abs: activations.absolute,
  Softmax: normalization.softmax,
  LogSoftmax: normalization.logSoftmax,
  LayerNormalization: normalization.layerNormalization,
  InstanceNormalization: normalization.instanceNormalization,
  BatchNormalization: normalization.batchNormalization,
  GlobalAveragePool: pooling.globalAveragePool,
  GlobalMaxPool: pooling.globalMaxPool,
  AveragePool: pooling.averagePool,
  MaxPool: pooling.maxPool,
  ReduceSum: reduction.reduceSum,
  ReduceMean: reduction.reduceMean,
  ReduceMax: reduction.reduceMax,
  ReduceL2: reduction.reduceL2,
  Identity: movement.identity,
  Dropout: movement.identity,
  Cast: movement.cast,
  Reshape: movement.reshape,
  Flatten: movement.reshape,
  Squeeze: movement.reshape,
  Unsqueeze: movement.reshape,
  Transpose: movement.transpose,
  Concat: movement.concat,
  Split: movement.split,
  Slice: movement.slice,
  Gather: movement.gather,
  Pad: movement.pad,
  Resize: resize,
};
