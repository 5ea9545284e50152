"""Formulas behind what drives and tanks show: feed drives under the cut, an arm that holds its tool, coolant."""

import pytest

from edge.simulation.physics import coolant, cutting, feed_drive, robot_arm


def test_a_torque_of_ten_newton_metres_is_400_newtons_at_a_cutter_of_50_mm() -> None:
    assert cutting.tangential_force_n(10, 50) == pytest.approx(400)
    power_kw = cutting.milling_power_kw(4, 20, 250, 1_700)
    assert cutting.tangential_force_n(cutting.torque_nm(power_kw, 560), 50) == pytest.approx(387, abs=1)


def test_an_axis_that_cuts_nothing_overcomes_friction_and_more_the_faster_it_goes() -> None:
    assert feed_drive.friction_percent(0) == 8
    assert feed_drive.friction_percent(1) == 14
    assert feed_drive.push_percent(1_000, 4_000) == 25


def test_a_tool_of_five_kilograms_at_a_quarter_of_a_metre_takes_12_newton_metres() -> None:
    assert robot_arm.joint_nm(5, 0.25, 1.0) == pytest.approx(12.26, abs=0.005)
    assert robot_arm.joint_nm(5, 0.25, 0.0) == 0
    assert robot_arm.joint_nm(5, 0.25, 0.0, 8.0) == pytest.approx(2.5)


def test_an_emulsion_that_loses_a_fifth_of_its_tank_is_a_quarter_richer() -> None:
    assert coolant.concentration_percent(6.8, 600, 0) == 6.8
    assert coolant.concentration_percent(6.8, 600, 120) == pytest.approx(8.5)
