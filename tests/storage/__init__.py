"""Tests of the stores: one contract for all of them, and what is particular to each."""

import pytest

for _module in ("contract", "contract_list", "contract_many", "contract_model", "support"):
    pytest.register_assert_rewrite(f"{__name__}.{_module}")
