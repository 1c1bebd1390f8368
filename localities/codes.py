"""
The code sets of the English children's services returns.

Source: Department for Education, children in need census 2026 (source of referral N00152, ethnicity N00177, sex
N00783); Crown copyright, Open Government Licence v3. The wording of a few is shortened.
"""

SOURCE_CODES: dict[str, str] = {
    "1A": "Family member, relative or carer",
    "1B": "Acquaintance, including neighbours and child minders",
    "1C": "Self",
    "1D": "Other individual, including strangers",
    "2A": "Schools",
    "2B": "Education services",
    "3A": "General practitioner (GP)",
    "3B": "Health visitor",
    "3C": "School nurse",
    "3D": "Other primary health services",
    "3E": "Accident and emergency department",
    "3F": "Other health services, for example a hospice",
    "4": "Housing: local authority or housing association",
    "5A": "Local authority: social care, for example adults' social care",
    "5B": "Local authority: other internal department",
    "5C": "Local authority: another council",
    "5D": "Local authority: early help",
    "6": "Police",
    "7": "Other legal agency: courts, probation, immigration, CAFCASS, prison",
    "8": "Other, including children's centres, independent providers and the voluntary sector",
    "9": "Anonymous",
    "10": "Unknown",
}
# A referrer who is not a professional hears that the contact was received, never its outcome.
INDIVIDUAL_SOURCES = frozenset({"1A", "1B", "1C", "1D", "9", "10"})

ETHNICITIES: dict[str, str] = {
    "WBRI": "White British",
    "WIRI": "White Irish",
    "WIRT": "Traveller of Irish heritage",
    "WOTH": "Any other White background",
    "WROM": "Gypsy or Roma",
    "MWBC": "White and Black Caribbean",
    "MWBA": "White and Black African",
    "MWAS": "White and Asian",
    "MOTH": "Any other mixed background",
    "AIND": "Indian",
    "APKN": "Pakistani",
    "ABAN": "Bangladeshi",
    "AOTH": "Any other Asian background",
    "BCRB": "Caribbean",
    "BAFR": "African",
    "BOTH": "Any other Black background",
    "CHNE": "Chinese",
    "OOTH": "Any other ethnic group",
    "REFU": "Refused",
    "NOBT": "Not yet obtained",
}

NOT_STATED = "Not stated"
# The broad group of each code, as in Annex A of Ofsted's inspections of children's services (ILACS).
ETHNIC_GROUPS: dict[str, str] = {
    code: group
    for group, codes in (
        ("White", ("WBRI", "WIRI", "WIRT", "WOTH", "WROM")),
        ("Mixed", ("MWBC", "MWBA", "MWAS", "MOTH")),
        ("Asian or Asian British", ("AIND", "APKN", "ABAN", "AOTH")),
        ("Black or Black British", ("BCRB", "BAFR", "BOTH")),
        ("Other ethnic group", ("CHNE", "OOTH")),
        (NOT_STATED, ("REFU", "NOBT")),
    )
    for code in codes
}

SEXES: dict[str, str] = {"M": "Male", "F": "Female", "U": "Unknown"}
