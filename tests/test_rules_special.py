"""Special functions: values and slopes where formulas break, closed forms, errors, no SciPy."""

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from autograd_core import Tensor, grad, special
from autograd_core.errors import MissingRuleError, TrackedValueError
from autograd_core.primitive import POSITIVE, Domain
from autograd_core.testing import drawn, gradcheck

scipy_special = pytest.importorskip("scipy.special")
sp: Any = scipy_special

ROOT = Path(__file__).resolve().parent.parent
INF = math.inf


def slope(function: Callable[..., Any], x: Any, order: int = 1) -> float:
    for _ in range(order):
        function = grad(function)
    with np.errstate(all="ignore"):
        return float(function(x))


def slopes(function: Callable[..., Any], *operands: Any) -> list[Any]:
    tracked = [Tensor(np.asarray(operand, float), requires_grad=True) for operand in operands]
    with np.errstate(all="ignore"):
        function(*tracked).sum().backward()
    return [operand.grad for operand in tracked]


# -- logsumexp and its kin -------------------------------------------------------------------------


def rows(d: Any) -> tuple[Any, Any]:
    x = d.array(d.shape(min_dims=1), Domain(-30.0, 30.0))
    return x, d.axes(x.ndim)


@given(drawn(rows))
def test_values_are_scipys(arguments: Any) -> None:
    x, axis = arguments
    for ours, theirs in (
        (special.logsumexp(x, axis), sp.logsumexp(x, axis)),
        (special.logsumexp(x, axis, keepdims=True), sp.logsumexp(x, axis, keepdims=True)),
        (special.logsumexp(x, axis, b=x + 31), sp.logsumexp(x, axis, b=x + 31)),
        (special.softmax(x, axis), sp.softmax(x, axis)),
        (special.log_softmax(x, axis), sp.log_softmax(x, axis)),
    ):
        assert np.shape(ours) == np.shape(theirs)
        np.testing.assert_allclose(ours, theirs, rtol=1e-13, atol=1e-13)


@given(drawn(rows))
def test_slope_of_logsumexp_is_softmax(arguments: Any) -> None:
    x, axis = arguments
    (found,) = slopes(lambda x: special.logsumexp(x, axis), x)
    np.testing.assert_allclose(found, special.softmax(x, axis), rtol=1e-13, atol=1e-300)


@given(drawn(rows))
def test_shares_add_up_so_their_slopes_cancel(arguments: Any) -> None:
    x, axis = arguments
    (found,) = slopes(lambda x: special.softmax(x, axis), x)
    np.testing.assert_allclose(found, 0 * x, atol=1e-15)
    (found,) = slopes(lambda x: np.exp(special.log_softmax(x, axis)), x)
    np.testing.assert_allclose(found, 0 * x, atol=1e-14)


@pytest.mark.parametrize(
    ("x", "value", "expected"),
    [
        ([-INF, -INF], -INF, [0, 0]),
        ([-INF, 2.0], 2.0, [0, 1]),
        ([1000.0, 1000.0], 1000 + math.log(2), [0.5, 0.5]),
        ([-1000.0, -1000.0], math.log(2) - 1000, [0.5, 0.5]),
        ([1000.0, -1000.0], 1000.0, [1, 0]),
        ([5.0], 5.0, [1]),
    ],
)
def test_logsumexp_at_extremes(x: list[float], value: float, expected: list[float]) -> None:
    tracked = Tensor(np.array(x), requires_grad=True)
    result = special.logsumexp(tracked)
    result.backward()
    assert result.item() == pytest.approx(value, rel=1e-15)
    np.testing.assert_allclose(tracked.grad, expected, rtol=1e-13)


def test_logsumexp_of_nothing_and_of_infinity() -> None:
    assert special.logsumexp(Tensor(np.zeros((0,)))).item() == -INF
    assert special.logsumexp(Tensor(np.array([INF, 1.0]))).item() == INF
    assert special.logsumexp(Tensor(np.zeros((2, 0))), axis=1).shape == (2,)
    assert special.logsumexp([0, 0]) == math.log(2)


def test_zero_weights_leave_terms_out() -> None:
    x, weights = np.array([1e4, math.nan, 1.0, 2.0]), np.array([0.0, 0.0, 1.0, 2.0])
    (at_x, _) = slopes(lambda x, b: special.logsumexp(x, b=b), x, weights)
    total = math.e + 2 * math.e**2
    np.testing.assert_allclose(at_x, [0, 0, math.e / total, 2 * math.e**2 / total], rtol=1e-14)


def test_single_precision_stays() -> None:
    x = Tensor(np.ones((2, 3), np.float32), requires_grad=True)
    for function in (special.logsumexp, special.softmax, special.log_softmax):
        result = function(x, axis=1)
        assert result.dtype == np.float32
        x.grad = None
        result.sum().backward()
        assert x.grad is not None
        assert x.grad.dtype == np.float32


def test_fully_masked_rows_of_logsumexp_have_second_derivatives_too() -> None:
    def hidden(x: Any) -> Any:
        return special.logsumexp(np.stack([x, np.array(-INF), np.array(-INF)]))

    assert slope(hidden, 1.0) == 1
    assert slope(hidden, 1.0, order=2) == 0


# -- slopes in closed form: function, where, expected ----------------------------------------------


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (sp.erf, 0.0, 2 / math.sqrt(math.pi)),
        (sp.erf, 30.0, 0.0),
        (sp.erfc, 1.0, -2 / math.sqrt(math.pi) / math.e),
        (sp.erfinv, 0.0, math.sqrt(math.pi) / 2),
        (sp.expit, 0.0, 0.25),
        (sp.expit, -700.0, math.exp(-700)),
        (sp.log_expit, -1e3, 1.0),
        (sp.log_expit, 1e3, 0.0),
        (sp.logit, 0.5, 4.0),
        (sp.gammaln, 1.0, -np.euler_gamma),
        (sp.gamma, 1.0, -np.euler_gamma),
        (sp.rgamma, 1.0, np.euler_gamma),
        (sp.psi, 1.0, math.pi**2 / 6),
        (sp.psi, -0.5, math.pi**2 / 2 + 4),
        (sp.i0, 0.0, 0.0),
        (sp.i1, 0.0, 0.5),
        (sp.i0e, 0.0, 0.0),
        (sp.i1e, 0.0, 0.5),
        (sp.j0, 0.0, 0.0),
        (sp.j1, 0.0, 0.5),
        (sp.exprel, 0.0, 0.5),
        (sp.exprel, 1e-9, 0.5 + 1e-9 / 3),
        (sp.exprel, 20.0, (19 * math.exp(20) + 1) / 400),
        (sp.entr, 0.0, INF),
        (sp.entr, 1 / math.e, 0.0),
        (sp.ndtr, 0.0, 1 / math.sqrt(2 * math.pi)),
        (sp.log_ndtr, 0.0, 2 / math.sqrt(2 * math.pi)),
        (sp.log_ndtr, -1e10, 1e10),
        (sp.log_ndtr, 40.0, 0.0),
        (sp.ndtri, 0.5, math.sqrt(2 * math.pi)),
        (sp.ndtri_exp, math.log(0.5), math.sqrt(2 * math.pi) / 2),
        (lambda x: sp.boxcox(3.0, x), 0.0, math.log(3) ** 2 / 2),
        (lambda x: sp.hyp1f1(1, 1, x), 2.0, math.exp(2)),
        (lambda x: sp.sici(x)[0], 0.0, 1.0),
    ],
)
def test_slope_in_closed_form(function: Callable[[Any], Any], x: float, expected: float) -> None:
    assert slope(function, x) == pytest.approx(expected, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize(
    ("function", "x", "y", "expected"),
    [
        (sp.xlogy, 0.0, 0.0, [0, 0]),
        (sp.xlogy, 0.0, 2.0, [math.log(2), 0]),
        (sp.xlogy, 3.0, 2.0, [math.log(2), 1.5]),
        (sp.xlog1py, 0.0, -1.0, [0, 0]),
        (sp.xlog1py, 0.0, 1.0, [math.log(2), 0]),
        (sp.rel_entr, 0.0, 0.0, [math.nan, 0]),
        (sp.rel_entr, 2.0, 2.0, [1, -1]),
        (sp.kl_div, 2.0, 2.0, [0, 0]),
        (sp.beta, 1.0, 1.0, [-1, -1]),
        (sp.betaln, 1.0, 1.0, [-1, -1]),
        (sp.huber, 1.0, 3.0, [2, 1]),
        (sp.huber, 1.0, 0.5, [0, 0.5]),
        (sp.pseudo_huber, 1.0, 1e-200, [0, 1e-200]),
    ],
)
def test_slopes_of_two_operands(
    function: Callable[..., Any], x: float, y: float, expected: list[float]
) -> None:
    np.testing.assert_allclose(slopes(function, x, y), expected, rtol=1e-13)


def test_mixed_derivative_of_xlogy_is_exact_where_a_factor_is_zero() -> None:
    def inner(y: Any) -> Any:
        return grad(lambda x: sp.xlogy(x, y))(0.0)

    assert slope(inner, 4.0) == 0.25


# -- families --------------------------------------------------------------------------------------


@given(drawn(lambda d: (d.integer(0, 4), d.array(domain=POSITIVE))))
def test_polygamma(arguments: Any) -> None:
    n, x = arguments
    np.testing.assert_allclose(special.polygamma(n, x), sp.polygamma(n, x), rtol=1e-14)
    (found,) = slopes(lambda x: special.polygamma(n, x), x)
    np.testing.assert_allclose(found, sp.polygamma(n + 1, x), rtol=1e-14)
    single = Tensor(x.astype(np.float32))
    assert special.polygamma(n, single).dtype == np.float32


def test_polygamma_of_a_negative_order() -> None:
    with pytest.raises(ValueError, match="from 0"):
        special.polygamma(-1, 1.0)
    with pytest.raises(TypeError):
        special.polygamma(0.5, 1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("z", [0.7 + 0.3j, -3.4 + 0.2j, 12 - 40j, -20.5 - 1j])
def test_trigamma_of_complex_numbers(z: complex) -> None:
    from autograd_core.rules.special import zeta

    # Reflection and recurrence, which the sum does not use: ψ′(1-z) + ψ′(z) = π² / sin² πz.
    both = zeta(2, np.array(z)) + zeta(2, np.array(1 - z))
    np.testing.assert_allclose(both, (math.pi / np.sin(math.pi * z)) ** 2, rtol=1e-12, atol=1e-16)
    steps = zeta(3, np.array(z)) - zeta(3, np.array(z + 1))
    np.testing.assert_allclose(steps, z**-3, rtol=1e-10)


@pytest.mark.parametrize("order", [0, 1, 2.5, -1.5])
@pytest.mark.parametrize("name", ["jv", "yv", "iv", "kv", "ive", "kve"])
def test_bessel_functions_solve_their_equation(name: str, order: float) -> None:
    """x² f″ + x f′ - (s x² + v²) f = 0, with s = -1 (J, Y) or 1 (I, K)."""
    undo = {"ive": np.exp, "kve": lambda x: np.exp(-x)}.get(name, np.ones_like)
    sign = -1 if name[0] in "jy" else 1

    def function(x: Any) -> Any:
        return getattr(sp, name)(order, x) * undo(x)

    for x in (0.4, 1.7, 3.0):
        value, first, second = float(function(x)), slope(function, x), slope(function, x, order=2)
        terms = [x * x * second, x * first, -(sign * x * x + order * order) * value]
        assert sum(terms) == pytest.approx(0, abs=1e-12 * max(map(abs, terms)))


@pytest.mark.parametrize("x", [-2.0, 0.0, 1.5])
def test_airy_functions_solve_their_equation(x: float) -> None:
    for k in (0, 2):
        value = float(sp.airy(x)[k])
        assert slope(lambda x, k=k: sp.airy(x)[k], x, order=2) == pytest.approx(
            x * value, rel=1e-13
        )


@pytest.mark.parametrize("m", [-1e3, -0.7, 1e-9, 0.3, 0.999])
def test_complete_elliptic_integrals_have_the_textbook_slopes(m: float) -> None:
    """DLMF 19.4.1 and 2, with 50 digits where these cancel, and Legendre's relation."""
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(50):
        k, e, p = mpmath.ellipk(mpmath.mpf(m)), mpmath.ellipe(mpmath.mpf(m)), mpmath.mpf(m)
        by_k = float((e - (1 - p) * k) / (2 * p * (1 - p)))
        by_e = float((e - k) / (2 * p))
    assert slope(sp.ellipk, m) == pytest.approx(by_k, rel=1e-13)
    assert slope(sp.ellipe, m) == pytest.approx(by_e, rel=1e-13)
    assert slope(lambda m: sp.ellipkm1(1 - m), m) == pytest.approx(by_k, rel=1e-12)


@given(drawn(lambda d: d.array((), Domain(0.05, 0.95))))
def test_legendres_relation_is_constant(m: Any) -> None:
    def relation(m: Any) -> Any:
        k, e, other_k, other_e = sp.ellipk(m), sp.ellipe(m), sp.ellipkm1(m), sp.ellipe(1 - m)
        return k * other_e + e * other_k - k * other_k

    for order in (1, 2):
        assert slope(relation, m, order) == pytest.approx(0, abs=1e-10)


def test_elliptic_integrals_where_the_textbook_divides_by_zero() -> None:
    assert slope(sp.ellipk, 0.0) == pytest.approx(math.pi / 8, rel=1e-15)
    assert slope(sp.ellipe, 0.0) == pytest.approx(-math.pi / 8, rel=1e-15)
    assert slope(sp.ellipk, 0.0, order=2) == pytest.approx(9 * math.pi / 64, rel=1e-14)
    assert slope(sp.ellipkm1, 1e-20) == pytest.approx(-0.5e20, rel=1e-14)
    assert slope(sp.ellipk, 1.0) == INF and slope(sp.ellipe, 1.0) == -INF
    for phi in (-4.0, 0.0, 0.3, 1.5, math.pi / 2, 7.0):
        half = (phi - math.sin(phi) * math.cos(phi)) / 4
        by_phi, by_m = slopes(sp.ellipkinc, phi, 0.0)
        assert (by_phi, by_m) == (1, pytest.approx(half, rel=1e-13, abs=1e-16))
        by_phi, by_m = slopes(sp.ellipeinc, phi, 0.0)
        assert (by_phi, by_m) == (1, pytest.approx(-half, rel=1e-13, abs=1e-16))
    assert slopes(sp.ellipkinc, math.pi / 2, 0.5)[1] == pytest.approx(slope(sp.ellipk, 0.5))
    assert slopes(sp.ellipeinc, -math.pi, 0.5)[1] == pytest.approx(-2 * slope(sp.ellipe, 0.5))
    # Below a quarter turn the integrals are elementary at m = 1: F = artanh sin φ, E = sin φ.
    by_phi, by_m = slopes(sp.ellipkinc, 0.5, 1.0)
    sin, cos = math.sin(0.5), math.cos(0.5)
    assert by_phi == pytest.approx(1 / cos)
    assert by_m == pytest.approx((sin / cos**2 - math.atanh(sin)) / 4)


def test_incomplete_functions_invert_each_other() -> None:
    p = 0.3
    assert slope(lambda p: sp.gammainc(2.5, sp.gammaincinv(2.5, p)), p) == pytest.approx(1)
    assert slope(lambda p: sp.gammaincc(2.5, sp.gammainccinv(2.5, p)), p) == pytest.approx(1)
    assert slope(lambda p: sp.betainc(2.0, 0.5, sp.betaincinv(2.0, 0.5, p)), p) == pytest.approx(1)
    assert slope(lambda p: sp.betaincc(2.0, 0.5, sp.betainccinv(2.0, 0.5, p)), p) == pytest.approx(
        1
    )
    assert slope(lambda p: sp.erf(sp.erfinv(p)) + sp.erfc(sp.erfcinv(p)), p) == pytest.approx(2)
    assert slope(lambda p: sp.ndtr(sp.ndtri(p)) + sp.expit(sp.logit(p)), p) == pytest.approx(2)


def test_complex_arguments() -> None:
    z = np.array([0.7 + 0.4j, 1.5 - 0.3j])
    for function in (
        *(sp.erf, sp.erfcx, sp.dawsn, sp.gamma, sp.loggamma, sp.psi, sp.log1p, sp.expm1),
        lambda z: sp.ive(1.5, z),
        lambda z: sp.xlogy(z, z + 1),
        special.logsumexp,
    ):
        gradcheck(function, [z], order=2)


# -- what is refused, and doing without SciPy ------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: sp.jv(x, 1.0), MissingRuleError, "no gradient flows to the parameter 'x'"),
        (lambda x: sp.gammainc(x, 1.0), MissingRuleError, "detach"),
        (lambda x: sp.kv(x, 1.0), MissingRuleError, "kv: no gradient flows to the parameter 'x'"),
        (lambda x: sp.hyp2f1(1.0, x, 1.0, 0.5), MissingRuleError, "hyp2f1: no gradient flows"),
        (sp.zetac, MissingRuleError, r"zetac: no gradient rule.*define\(zetac"),
        (sp.softmax, TrackedValueError, "detach"),
    ],
)
def test_refused(call: Callable[[Any], Any], error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        call(Tensor(np.array([1.0, 2.0]), requires_grad=True))


def test_untracked_tensors_pass_through_functions_without_rules() -> None:
    result = sp.zetac(Tensor(np.array(1.5)))
    assert isinstance(result, Tensor)
    assert result.item() == sp.zetac(1.5)


def run(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def test_rules_load_when_scipy_meets_a_tensor() -> None:
    code = """if True:
        import sys
        import numpy as np
        from autograd_core import Tensor, special
        special.softmax(Tensor(np.ones(2), requires_grad=True)).sum().backward()
        print("scipy" in sys.modules)
        import scipy.special
        x = Tensor(np.array(0.0), requires_grad=True)
        print("autograd_core.rules.special" in sys.modules)
        scipy.special.expit(x).backward()
        print(x.grad)
    """
    assert run(code).split() == ["False", "False", "0.25"]


def test_polygamma_names_what_brings_scipy() -> None:
    code = """if True:
        import sys
        sys.modules["scipy.special"] = None
        from autograd_core import special
        try:
            special.polygamma(1, 1.0)
        except ImportError as error:
            print(error)
    """
    assert 'pip install "autograd-core[train]"' in run(code)
