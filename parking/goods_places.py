"""Where the facts of the shipped list of goods were read: short names used in its column ``origins``."""

from __future__ import annotations

from parking.speech import N_

#: Short name → what it is. None is the paper of the authority itself; see DECISIONS.md.
PLACES: dict[str, str] = {
    "CFR": N_("49 CFR 172.101, hazardous materials table (eCFR)"),
    "CFR-2": N_("49 CFR 172.101, another public transcription"),
    "ADR": N_("ADR 2017, table A (3.2)"),
    "GB": N_("GB 12268 list of dangerous goods (public transcription, edition not stated)"),
    "GB-2": N_("GB 12268 list of dangerous goods, another public transcription"),
    "ERG": N_("Emergency Response Guidebook 2024 (public list)"),
    "ERG-2": N_("Emergency Response Guidebook (another public list)"),
    "ERG-3": N_("Emergency Response Guidebook (third public list)"),
    "GB18218": N_("GB 18218-2018, table 1 (public transcription)"),
    "GB18218-2": N_("GB 18218-2018, table 1 (another public transcription)"),
}
