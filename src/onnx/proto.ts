/**
 * ONNX files as messages: bytes to ModelProto and back, and tensors to TensorProto and back. Fields that onnx.proto does
 * not name are kept as unknown fields and written again.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FormatError, ModelError } from "../errors.js";
import {
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProtoSchema,
  type ValueInfoProto,
} from "./gen/onnx_pb.js";
import { inlineFunctions } from "./inline.js";
import { checkOrder } from "./order.js";
import {
  checkTensor,
  type ElementType,
  elementCount,
  type Tensor,
  type TensorData,
  tensorBytes,
  tensorFromBytes,
} from "./tensor.js";

/** A model that is known to hold a graph. */
export type Model = ModelProto & { graph: GraphProto };

const DATA_TYPES: Record<ElementType, TensorProto_DataType> = {
  float32: TensorProto_DataType.FLOAT,
  float64: TensorProto_DataType.DOUBLE,
  float16: TensorProto_DataType.FLOAT16,
  uint8: TensorProto_DataType.UINT8,
  int8: TensorProto_DataType.INT8,
  int32: TensorProto_DataType.INT32,
  int64: TensorProto_DataType.INT64,
  bool: TensorProto_DataType.BOOL,
};

/**
 * Reads an ONNX model. `path` is for messages. Throws a FormatError if `bytes` are no ONNX model, and a ModelError if
 * the weights are in other files (external data).
 */
export function decodeModel(bytes: Uint8Array, path: string): Model {
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new FormatError(path, `${path} is not an ONNX model, or it is truncated.`, { cause });
  }
  if (model.graph === undefined || model.opsetImport.length === 0) {
    throw new FormatError(path, `${path} is not an ONNX model: it has no graph.`);
  }
  inlineFunctions(model, path);
  checkOrder(model.graph, path);
  const external = tensorsOf(model.graph).find((each) => each.dataLocation === TensorProto_DataLocation.EXTERNAL);
  if (external !== undefined) {
    throw new ModelError(
      `${path} keeps its weights in other files (external data, first in tensor "${external.name}"); save it as one file, ` +
        "for example with onnx.save(onnx.load(...), ..., save_as_external_data=False).",
    );
  }
  return model as Model;
}

/** Every constant of a graph: initializers, attributes, and those of graphs within. */
export function tensorsOf(graph: GraphProto): TensorProto[] {
  const attributes = graph.node.flatMap((node) => node.attribute);
  const inner = attributes.flatMap(({ g, graphs }) => (g === undefined ? graphs : [g]));
  return [
    ...graph.initializer,
    ...attributes.flatMap(({ t }) => (t === undefined ? [] : [t])),
    ...inner.flatMap(tensorsOf),
  ];
}

/** Bytes of an ONNX file. */
export function encodeModel(model: ModelProto): Uint8Array {
  return toBinary(ModelProtoSchema, model);
}

/** Version of the default operator set `model` imports. */
export function opsetOf(model: ModelProto): number {
  const entry = model.opsetImport.find((each) => each.domain === "" || each.domain === "ai.onnx");
  return Number(entry?.version ?? 0);
}

/** The element type a value is declared with; a ModelError for one that canopy does not handle, float32 if nothing is declared. */
export function elementTypeOf({ name, type }: ValueInfoProto): ElementType {
  const declared = type?.tensorType?.elemType ?? TensorProto_DataType.FLOAT;
  return findType(declared) ?? unknownType(`Value "${name}"`, declared);
}

export function toDataType(type: ElementType): TensorProto_DataType {
  return DATA_TYPES[type];
}

/** A named TensorProto holding `tensor` as raw bytes. */
export function toTensorProto(name: string, tensor: Tensor): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: tensor.dims.map(BigInt),
    dataType: DATA_TYPES[tensor.type],
    rawData: tensorBytes(tensor),
  });
}

/**
 * The values of a TensorProto, in any of its fields; a ModelError for an element type canopy does not handle, and if
 * there are more or fewer values than its shape says.
 */
export function fromTensorProto(proto: TensorProto): Tensor {
  const type = findType(proto.dataType) ?? unknownType(`Tensor "${proto.name}"`, proto.dataType);
  const dims = proto.dims.map(Number);
  try {
    if (proto.rawData.length > 0 || elementCount(dims) === 0) return tensorFromBytes(type, dims, proto.rawData);
    return checkTensor({ type, dims, data: typedValues(type, proto) });
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ModelError(
      `Tensor "${proto.name}" does not hold the values of its shape [${dims.join(", ")}]: the file is damaged.`,
      { cause },
    );
  }
}

function findType(dataType: TensorProto_DataType): ElementType | undefined {
  return (Object.keys(DATA_TYPES) as ElementType[]).find((key) => DATA_TYPES[key] === dataType);
}

function unknownType(what: string, dataType: TensorProto_DataType): never {
  const name =
    dataType === TensorProto_DataType.UNDEFINED ? "undefined" : TensorProto_DataType[dataType]?.toLowerCase();
  throw new ModelError(`${what} has the element type ${name ?? dataType}, which canopy does not handle.`);
}

function typedValues(type: ElementType, proto: TensorProto): TensorData {
  switch (type) {
    case "float32":
      return Float32Array.from(proto.floatData);
    case "float64":
      return Float64Array.from(proto.doubleData);
    case "int64":
      return BigInt64Array.from(proto.int64Data);
    case "float16":
      return Uint16Array.from(proto.int32Data);
    case "int32":
      return Int32Array.from(proto.int32Data);
    case "int8":
      return Int8Array.from(proto.int32Data);
    case "uint8":
    case "bool":
      return Uint8Array.from(proto.int32Data);
  }
}
