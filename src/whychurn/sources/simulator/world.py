"""What the simulated company and its customers are like, as numbers in one place."""

from __future__ import annotations

INDUSTRIES = ("Software", "Retail", "Logistics", "Manufacturing", "Medical devices", "Finance")
INDUSTRY_SHARES = (0.26, 0.18, 0.14, 0.16, 0.13, 0.13)
MEDICAL_DEVICES, FINANCE = 4, 5

SIZE_BANDS = ("1-19", "20-99", "100-499", "500+")
SIZE_CUTS = (20, 100, 500)
REGIONS = ("North America", "Europe", "Asia-Pacific", "Latin America")
REGION_SHARES = (0.40, 0.33, 0.17, 0.10)
ASIA_PACIFIC = 2
CHANNELS = ("Inbound", "Outbound", "Partner", "Referral")
CHANNEL_SHARES = (0.42, 0.26, 0.20, 0.12)
PARTNER = 2
N_CSM = 12

PLANS = ("Starter", "Team", "Enterprise")
STARTER, TEAM, ENTERPRISE = 0, 1, 2
#: Chances of a plan by size band.
PLAN_BY_SIZE = ((0.66, 0.32, 0.02), (0.38, 0.54, 0.08), (0.12, 0.60, 0.28), (0.04, 0.36, 0.60))
PRICE_PER_SEAT = (29.0, 49.0, 89.0)
ANNUAL_BY_PLAN = (0.30, 0.55, 0.85)
ADD_ON, ADD_ON_PRICE = "Add-on", 9.0
PRICE_RISE = 1.06

#: Log odds of an active day: plan and size move engagement, so plan confounds usage and leaving.
ENGAGEMENT_BY_PLAN = (-0.45, 0.0, 0.45)
ENGAGEMENT_SPREAD = 0.6
DRIFT, DRIFT_SPREAD = 0.95, 0.75
ACTIVE_INTERCEPT = -1.35
WEEKEND_ODDS = 0.22

MODULES = ("reporting", "billing", "projects", "api", "mobile", "automation", "insights")
REPORTING, BILLING, API, MOBILE, LAUNCHED = 0, 1, 3, 4, 6
ADOPTED = (0.75, 0.80, 0.70, 0.35, 0.50, 0.40, 0.40)
WEIGHTS = (0.30, 0.25, 0.25, 0.15, 0.15, 0.10, 0.10)
FAILED_SHARE = 0.04
SECOND_LOGINS = 0.2
#: Measured on the company itself: active days per account and year of a window of one year, how that falls with the
#: length of the window (customers leave, and come late), and how much more is done on days of high engagement.
ACTIVE_DAYS_PER_YEAR, FALLING_BY = 49.5, -0.2
MORE_WHEN_ENGAGED = 1.21

TICKETS_PER_WEEK = 0.15
TOPICS = ("How to", "Bug", "Billing", "Integration", "Access")
SEVERITIES = ("low", "normal", "high", "urgent")
PLAYS = ("Executive call", "Training", "Health review")
INTERACTION_KINDS = ("call", "mail", "meeting", "campaign")
INTERACTIONS_PER_WEEK = 0.13
OFFERS_PER_YEAR = 0.18

#: Chance that a monthly charge fails, by plan, and that a failed one is never made good.
CHARGE_FAILS = (0.045, 0.028, 0.010)
NEVER_RECOVERED = 0.06
CUT_OFF_AFTER_DAYS = 45
BANKRUPTCY_PER_YEAR = (0.016, 0.010, 0.005, 0.002)

RETURNS = 0.14
RETURN_DAYS = (10, 90)

#: Reasons recorded for leaving voluntarily, and how often when nothing in particular happened.
REASONS = ("too expensive", "missing features", "chose a competitor", "poor support", "not using it", "project ended")
REASON_SHARES = (0.22, 0.22, 0.14, 0.10, 0.17, 0.15)
OTHER_REASON, BANKRUPT, UNPAID = "other", "company closed", "payment failed"
COMMENTS = {
    "promoter": ("The reports save us hours.", "Does what we need.", "Support answers quickly."),
    "passive": ("Fine on the whole.", "Good, but the price went up.", ""),
    "detractor": ("Too many clicks.", "We waited days for an answer.", "We hardly use it."),
}
