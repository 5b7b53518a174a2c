"""What each limit of the park means, for the page that lists them."""

from __future__ import annotations

from collections.abc import Mapping

from parking.speech import N_

MEANINGS: Mapping[str, str] = {
    "future_s": N_("Position time ahead of park time: from here not believed"),
    "oldest_h": N_("Age of a position: from here not judged"),
    "fastest_kmh": N_("Speed between two positions: above it a jump"),
    "accuracy_m": N_("Accuracy assumed of a position"),
    "unsure_gap_s": N_("Gap between positions: above it a crossing is only “somewhere between”"),
    "corridor_m": N_("Off the approved route: from this distance"),
    "corridor_back_m": N_("Back on the approved route: within this distance"),
    "deviation_s": N_("Route deviation: after this time off the route"),
    "deviation_m": N_("Route deviation: or after this distance off the route"),
    "ring_off_route": N_("In the ring off the approved route is a violation"),
    "ring_stop": N_("Stopping in the ring is a violation"),
    "ring_unbooked": N_("In the ring without a booking is a violation"),
    "ring_stop_s": N_("Stop in the ring: after this time"),
    "stop_radius_m": N_("Standing: all positions within this distance"),
    "stop_kmh": N_("Standing: below this speed"),
    "illegal_stop_s": N_("Illegal stop: after this time outside bay, dock and gate queue"),
    "park_limit_kmh": N_("Speed limit in the park"),
    "lot_limit_kmh": N_("Speed limit in the lot"),
    "speeding_s": N_("Speeding: after this time above the limit"),
    "speeding_tolerance": N_("Speeding: share above the limit"),
    "silence_s": N_("Lost signal: after this time without a position inside the park"),
    "park_stay_h": N_("Longest stay in the park"),
    "overstay_grace_min": N_("Overstay: this long after the booked end"),
    "remind_driver_min": N_("Overstay: remind the driver, after the end"),
    "tell_dispatcher_min": N_("Overstay: tell the dispatcher, after the end"),
    "tell_supervisor_min": N_("Overstay: tell the supervisor, after the end"),
    "tell_enforcement_min": N_("Overstay: tell enforcement, after the end"),
    "segregation_forbidden_m": N_("Loads that must not stand together: distance between bays"),
    "segregation_separated_m": N_("Loads that must stand apart: distance between bays"),
    "call_answer_min": N_("Call forward: counts as missed after this time"),
    "call_missed_max": N_("Call forward: to the end of the line after this many missed calls"),
    "queue_patience_min": N_("Call forward: after this wait nobody goes before a vehicle"),
    "dock_work_min": N_("Time at a dock assumed until enough visits are known"),
    "waitlist_auto": N_("The waiting list gives bays by itself"),
    "booking_mass_kg": N_("Largest mass a booking may state"),
    "booking_days_ahead": N_("Bookings are taken this far ahead"),
    "booking_window_h": N_("Longest window of a booking"),
    "check_in_early_min": N_("Check-in opens this long before the window"),
}
