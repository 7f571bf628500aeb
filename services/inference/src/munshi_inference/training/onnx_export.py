"""The classifier as ONNX: rows of a table gathered, summed, made probabilities; an output a head."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

Weights = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


def classifier_model(heads: Sequence[Weights], file: Path) -> None:
    """Writes a model with input `rows` (int64, any number) and outputs intent, category, language.

    The table is float16: half the size, and the sums are made in float32.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    table = np.concatenate([weights for weights, _ in heads]).T.astype(np.float16)
    bias = np.concatenate([b for _, b in heads]).astype(np.float32)
    sizes = np.asarray([len(b) for _, b in heads], dtype=np.int64)
    names = ("intent", "category", "language")
    constants = [
        numpy_helper.from_array(np.ascontiguousarray(table), "table"),
        numpy_helper.from_array(bias, "bias"),
        numpy_helper.from_array(sizes, "sizes"),
        numpy_helper.from_array(np.asarray([0], dtype=np.int64), "first_axis"),
    ]
    nodes = [
        helper.make_node("Gather", ["table", "rows"], ["gathered"], axis=0),
        helper.make_node("Cast", ["gathered"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["wide", "first_axis"], ["sum"], keepdims=0),
        helper.make_node("Shape", ["rows"], ["shape"]),
        helper.make_node("Cast", ["shape"], ["count"], to=TensorProto.FLOAT),
        helper.make_node("Sqrt", ["count"], ["scale"]),
        helper.make_node("Div", ["sum", "scale"], ["mean"]),
        helper.make_node("Add", ["mean", "bias"], ["scores"]),
        helper.make_node("Split", ["scores", "sizes"], [f"{n}_scores" for n in names], axis=0),
        *(helper.make_node("Softmax", [f"{n}_scores"], [n], axis=0) for n in names),
    ]
    graph = helper.make_graph(
        nodes,
        "ledger_nlu",
        [helper.make_tensor_value_info("rows", TensorProto.INT64, ["features"])],
        [
            helper.make_tensor_value_info(n, TensorProto.FLOAT, [int(s)])
            for n, s in zip(names, sizes, strict=True)
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    file.write_bytes(model.SerializeToString(deterministic=True))
