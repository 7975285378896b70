"""The judge: whether a plan keeps every rule, and a certificate proves its bound.

Shares no code with the solver that it judges. Each rule is read from its definition (``requirements``,
``user_limits``), the plan is held against it in exact arithmetic (``judge``), and the dual function is
recomputed with its rounding error (``dual``, ``choices``, ``certificate``).
"""

from couponry.solver.verify.certificate import InfeasibilityCheck, verify_infeasible
from couponry.solver.verify.findings import CertificateCheck, Verification, Violation
from couponry.solver.verify.judge import verify, verify_streamed

__all__ = [
    "CertificateCheck",
    "InfeasibilityCheck",
    "Verification",
    "Violation",
    "verify",
    "verify_infeasible",
    "verify_streamed",
]
