"""ONNX: importing this module lets skl2onnx convert the estimators. It needs the extra ``onnx``.

The graph is the forward pass, z^l = a^(l-1) (W^l)ᵀ + b^l and a^l = σ(z^l) (docs/algorithm.md, equations 2 and 3),
followed by the estimator's own conversion of z^L. It takes dense rows.

Examples
--------
>>> import skbackprop.onnx  # doctest: +SKIP
>>> from skl2onnx import to_onnx  # doctest: +SKIP
>>> onnx_model = to_onnx(model, X[:1])  # a fitted estimator or a Pipeline that ends in one  # doctest: +SKIP
"""

import numpy as np

try:
    from onnx import TensorProto
    from skl2onnx import update_registered_converter
    from skl2onnx.algebra import onnx_ops as op
    from skl2onnx.common.data_types import (
        Int64TensorType,
        StringTensorType,
        guess_numpy_type,
        guess_proto_type,
        guess_tensor_type,
    )
except ImportError as error:
    raise ImportError(
        f'skbackprop.onnx needs skl2onnx: in a copy of the repository, pip install -e ".[onnx]" ({error})'
    ) from error

from ._autoencoder import BackpropAutoencoder
from ._classifier import BackpropClassifier
from ._kernel import EXP_MAX
from ._network import LEAKY_RELU_SLOPE
from ._regressor import BackpropRegressor

__all__ = []


def _activation(name, z, dtype, opset):
    """σ(z), as in ``skbackprop._network``, from operators that onnxruntime has for both float types."""
    if name == "identity":
        return z
    if name == "leaky_relu":
        return op.OnnxMax(z, op.OnnxMul(z, np.array([LEAKY_RELU_SLOPE], dtype), op_version=opset), op_version=opset)
    if name == "softplus":
        e = op.OnnxExp(op.OnnxNeg(op.OnnxAbs(z, op_version=opset), op_version=opset), op_version=opset)
        log = op.OnnxLog(op.OnnxAdd(e, np.array([1], dtype), op_version=opset), op_version=opset)
        return op.OnnxAdd(op.OnnxRelu(z, op_version=opset), log, op_version=opset)
    if name == "silu":
        return op.OnnxMul(z, op.OnnxSigmoid(z, op_version=opset), op_version=opset)
    if name == "gelu":  # z Φ(z), Φ(z) = (1 + erf(z / √2)) / 2; erf only exists for float32
        single = op.OnnxCast(z, to=TensorProto.FLOAT, op_version=opset)
        erf = op.OnnxErf(op.OnnxMul(single, np.array([0.5**0.5], np.float32), op_version=opset), op_version=opset)
        half = op.OnnxMul(erf, np.array([0.5], np.float32), op_version=opset)
        Phi = op.OnnxAdd(half, np.array([0.5], np.float32), op_version=opset)
        proto = TensorProto.FLOAT if dtype == np.float32 else TensorProto.DOUBLE
        return op.OnnxMul(z, op.OnnxCast(Phi, to=proto, op_version=opset), op_version=opset)
    if name == "exp":
        largest = np.array([EXP_MAX[np.dtype(dtype).name]], dtype)
        return op.OnnxExp(op.OnnxMin(z, largest, op_version=opset), op_version=opset)
    simple = {"logistic": op.OnnxSigmoid, "tanh": op.OnnxTanh, "relu": op.OnnxRelu}
    return simple[name](z, op_version=opset)


def _output(operator, container, n_layers):
    """z of layer `n_layers`, and its dtype."""
    estimator, opset = operator.raw_operator, container.target_opset
    X = operator.inputs[0]
    dtype = np.dtype(guess_numpy_type(X.type))
    a = op.OnnxCast(X, to=guess_proto_type(X.type), op_version=opset)
    for l in range(1, n_layers + 1):
        W, b = estimator.coefs_[l - 1].astype(dtype), estimator.intercepts_[l - 1].astype(dtype)
        z = op.OnnxAdd(op.OnnxMatMul(a, W, op_version=opset), b, op_version=opset)
        if l < n_layers:
            a = _activation(estimator._hidden_activations[l - 1], z, dtype, opset)
    return z, dtype


def _finish(scope, operator, container, *nodes):
    """Write the graph that ends in these nodes, one per output."""
    for node, variable in zip(nodes, operator.outputs, strict=True):
        op.OnnxIdentity(node, op_version=container.target_opset, output_names=[variable]).add_to(scope, container)


def _numbers(operator, n_columns):
    """The type of a numeric output: that of the input, or float32."""
    return type(guess_tensor_type(operator.inputs[0].type))([operator.inputs[0].get_first_dimension(), n_columns])


def _classifier_types(operator):
    estimator = operator.raw_operator
    n, n_classes = operator.inputs[0].get_first_dimension(), len(estimator.classes_)
    if estimator._multilabel:
        operator.outputs[0].type = Int64TensorType([n, n_classes])
    else:
        label = StringTensorType if estimator.classes_.dtype.kind in "OUS" else Int64TensorType
        operator.outputs[0].type = label([n])
    operator.outputs[1].type = _numbers(operator, n_classes)


def _convert_classifier(scope, operator, container):
    """`predict` and `predict_proba`."""
    estimator, opset = operator.raw_operator, container.target_opset
    z, dtype = _output(operator, container, len(estimator.coefs_))
    p = op.OnnxSigmoid(z, op_version=opset)
    positive = op.OnnxCast(
        op.OnnxGreater(z, np.array([0], dtype), op_version=opset), to=TensorProto.INT64, op_version=opset
    )
    if estimator._multilabel:
        _finish(scope, operator, container, positive, p)
        return
    classes = estimator.classes_
    classes = classes.astype(str if classes.dtype.kind in "OUS" else np.int64)
    k = positive
    if len(classes) == 1:
        classes = np.repeat(classes, 2)
        p = op.OnnxAdd(op.OnnxMul(p, np.array([0], dtype), op_version=opset), np.array([1], dtype), op_version=opset)
    elif len(classes) == 2:
        p = op.OnnxConcat(
            op.OnnxSigmoid(op.OnnxNeg(z, op_version=opset), op_version=opset), p, axis=1, op_version=opset
        )
    else:
        k = op.OnnxArgMax(z, axis=1, op_version=opset)
        if estimator.out_activation_ == "logistic":  # a_k / Σ_j a_j is the softmax of log a = -log(1 + e^-z)
            minus_log_a = _activation("softplus", op.OnnxNeg(z, op_version=opset), dtype, opset)
            z = op.OnnxNeg(minus_log_a, op_version=opset)
        p = op.OnnxSoftmax(z, axis=1, op_version=opset)
    k = op.OnnxReshape(k, np.array([-1], np.int64), op_version=opset)
    _finish(scope, operator, container, op.OnnxGather(classes, k, op_version=opset), p)


def _regressor_types(operator):
    operator.outputs[0].type = _numbers(operator, operator.raw_operator.n_outputs_)


def _convert_regressor(scope, operator, container):
    """`predict`, always with one column per output."""
    estimator = operator.raw_operator
    z, dtype = _output(operator, container, len(estimator.coefs_))
    _finish(scope, operator, container, _activation(estimator.out_activation_, z, dtype, container.target_opset))


def _autoencoder_types(operator):
    operator.outputs[0].type = _numbers(operator, operator.raw_operator._n_features_out)


def _convert_autoencoder(scope, operator, container):
    """`transform`."""
    estimator = operator.raw_operator
    l = estimator._code_layer
    z, dtype = _output(operator, container, l)
    name = estimator._hidden_activations[l - 1]
    _finish(scope, operator, container, _activation(name, z, dtype, container.target_opset))


#: Options that skl2onnx handles itself.
_CLASSIFIER_OPTIONS = {"zipmap": [True, False, "columns"], "nocl": [True, False], "output_class_labels": [False, True]}
for _estimator, _types, _convert, _options in (
    (BackpropClassifier, _classifier_types, _convert_classifier, _CLASSIFIER_OPTIONS),
    (BackpropRegressor, _regressor_types, _convert_regressor, None),
    (BackpropAutoencoder, _autoencoder_types, _convert_autoencoder, None),
):
    update_registered_converter(_estimator, f"Skbackprop{_estimator.__name__}", _types, _convert, options=_options)
