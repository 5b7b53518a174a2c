"""Every noun, state, violation kind and refusal, once, with the Chinese term beside it."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """Who signs in. A driver needs no account: a signed link or code opens the booking."""

    GUARD = "guard"  # 门卫
    DISPATCHER = "dispatcher"  # 调度员
    SUPERVISOR = "supervisor"  # 监管人员
    ADMIN = "admin"  # 管理员


class LoadState(StrEnum):
    LOADED = "loaded"  # 重车
    EMPTY_CLEAN = "empty_clean"  # 空车(已清洗)
    EMPTY_UNCLEANED = "empty_uncleaned"  # 空车(未清洗): segregated like a loaded one


class BookingState(StrEnum):
    """Life of a booking (预约)."""

    SUBMITTED = "submitted"  # 待审核
    APPROVED = "approved"  # 已批准, a bay is held
    USED = "used"  # 已到达
    REJECTED = "rejected"  # 已驳回
    CANCELLED = "cancelled"  # 已取消
    EXPIRED = "expired"  # 已过期


class BayState(StrEnum):
    """What a bay is good for right now."""

    FREE = "free"  # 空闲
    HELD = "held"  # 已分配, nobody there yet
    OCCUPIED = "occupied"  # 占用
    OUT_OF_SERVICE = "out_of_service"  # 停用
    ISOLATION = "isolation"  # 隔离泊位, kept free


class FormField(StrEnum):
    """Fields of the booking form and of a step, as people call them."""

    PLATE = "plate"  # 车牌号
    PLATE_COLOUR = "plate_colour"  # 车牌颜色
    CARRIER = "carrier"  # 承运企业
    DRIVER_NAME = "driver_name"  # 驾驶员
    DRIVER_PHONE = "driver_phone"  # 驾驶员手机
    ESCORT_NAME = "escort_name"  # 押运员
    WAYBILL_NO = "waybill_no"  # 电子运单号
    UN_NUMBER = "un_number"  # 联合国编号
    MASS_KG = "mass_kg"  # 货物质量
    LOAD_STATE = "load_state"  # 装载状态
    WINDOW_START = "window_start"  # 预约开始
    WINDOW_END = "window_end"  # 预约结束
    LANGUAGE = "language"  # 语言
    DOCK = "dock"  # 装卸台
    REMARK = "remark"  # 备注


class VisitState(StrEnum):
    """Life of a visit (车次): one truck, one stay."""

    ARRIVED = "arrived"  # 已到达, at the gate
    REFUSED = "refused"  # 拒绝入园
    ADMITTED = "admitted"  # 已放行
    PARKED = "parked"  # 已入位
    CALLED = "called"  # 已叫号
    EN_ROUTE_IN = "en_route_in"  # 驶往装卸台
    AT_DOCK = "at_dock"  # 装卸中
    WORK_DONE = "work_done"  # 装卸完成
    EN_ROUTE_OUT = "en_route_out"  # 驶离
    EXITED = "exited"  # 已离园


#: States in which the vehicle stands or moves inside the park.
INSIDE = frozenset(
    {
        VisitState.ADMITTED,
        VisitState.PARKED,
        VisitState.CALLED,
        VisitState.EN_ROUTE_IN,
        VisitState.AT_DOCK,
        VisitState.WORK_DONE,
        VisitState.EN_ROUTE_OUT,
    }
)
#: States in which a visit is not over.
OPEN_VISIT = INSIDE | {VisitState.ARRIVED}


class VisitStep(StrEnum):
    """What people do to a visit."""

    CHECK_IN = "check_in"  # 签到
    ADMIT = "admit"  # 放行
    REFUSE = "refuse"  # 拒绝
    PARK = "park"  # 入位
    CALL = "call"  # 叫号
    DEPART_BAY = "depart_bay"  # 离位
    REACH_DOCK = "reach_dock"  # 到达装卸台
    FINISH_WORK = "finish_work"  # 装卸完成
    LEAVE_DOCK = "leave_dock"  # 离开装卸台
    CHECK_OUT = "check_out"  # 离园签退


class ViolationKind(StrEnum):
    """An offence (违规)."""

    BOUNDARY_CROSSING = "boundary_crossing"  # 越界: boundary crossed away from a gate
    WRONG_GATE = "wrong_gate"  # 走错卡口
    RING_OFF_ROUTE = "ring_off_route"  # 控制区内偏离路线
    RING_STOP = "ring_stop"  # 控制区内停车
    RING_UNBOOKED = "ring_unbooked"  # 未预约进入控制区
    ROUTE_DEVIATION = "route_deviation"  # 偏离路线
    ILLEGAL_STOP = "illegal_stop"  # 违规停车
    OVERSTAY = "overstay"  # 超时停放
    SPEEDING = "speeding"  # 超速
    LOST_SIGNAL = "lost_signal"  # 掉线
    TERMINAL_ALARM = "terminal_alarm"  # 终端报警


class PassageKind(StrEnum):
    """A crossing that is recorded but is no offence (出入园记录)."""

    BOUNDARY_AT_GATE = "boundary_at_gate"  # 经卡口出入园
    BOUNDARY_UNSEEN = "boundary_unseen"  # 过界未见: silent too long to say where, a gate was reachable
    CONTROL_LINE_CROSSING = "control_line_crossing"  # 穿越控制线


class Certainty(StrEnum):
    """How sure a finding is."""

    CERTAIN = "certain"  # 确定: fixes on both sides, beyond the line by more than their accuracy
    INFERRED = "inferred"  # 推断: between two fixes
    SOMEWHERE_BETWEEN = "somewhere_between"  # 区间内: gap too long to say where


class Mark(StrEnum):
    """Why a fix is kept but not judged."""

    NOT_LOCATED = "not_located"  # 未定位
    ENCRYPTED = "encrypted"  # 坐标加密
    FUTURE = "future"  # 时间超前
    TOO_OLD = "too_old"  # 时间过早
    NULL_ISLAND = "null_island"  # 零坐标
    SWAPPED_AXES = "swapped_axes"  # 经纬度颠倒
    OUTSIDE_WATCH_AREA = "outside_watch_area"  # 监控范围外
    TELEPORT = "teleport"  # 跳点
    DUPLICATE = "duplicate"  # 重复
    LATE = "late"  # 补传: older than the last judged fix
    UNBOUND = "unbound"  # 终端未绑定车辆


class ViolationState(StrEnum):
    OPEN = "open"  # 未处理
    ACKNOWLEDGED = "acknowledged"  # 已确认


class Severity(StrEnum):
    """提醒 → 预警 → 报警."""

    REMINDER = "reminder"
    WARNING = "warning"
    ALARM = "alarm"


class Rung(StrEnum):
    """Who is told of an overstay, later and later (升级)."""

    DISPATCHER = "dispatcher"  # 调度员
    SUPERVISOR = "supervisor"  # 监管人员
    ENFORCEMENT = "enforcement"  # 执法


class HoldState(StrEnum):
    """A bay held for a booking."""

    HELD = "held"  # 已分配
    OCCUPIED = "occupied"  # 占用
    RELEASED = "released"  # 已释放


class Refusal(StrEnum):
    """Every "no" the house can say. Facts are named beside; sentences live in ``speech``."""

    # booking form
    FIELD_MISSING = "field_missing"  # field
    FIELD_TOO_LONG = "field_too_long"  # field, limit
    PLATE_MALFORMED = "plate_malformed"  # plate
    PHONE_MALFORMED = "phone_malformed"
    TIME_MALFORMED = "time_malformed"  # field
    NUMBER_MALFORMED = "number_malformed"  # field
    CHOICE_UNKNOWN = "choice_unknown"  # field
    UN_NUMBER_UNKNOWN = "un_number_unknown"  # un_number
    MASS_NOT_POSITIVE = "mass_not_positive"
    MASS_TOO_LARGE = "mass_too_large"  # mass_kg, limit_kg
    EMPTY_WITH_MASS = "empty_with_mass"  # mass_kg
    WINDOW_REVERSED = "window_reversed"
    WINDOW_PAST = "window_past"
    WINDOW_TOO_FAR = "window_too_far"  # days
    WINDOW_TOO_LONG = "window_too_long"  # hours
    DRIVER_IS_ESCORT = "driver_is_escort"  # name
    CLASS_NOT_ACCEPTED = "class_not_accepted"  # hazard_class
    ALREADY_BOOKED = "already_booked"  # plate, code
    WAYBILL_USED = "waybill_used"  # waybill_no, code
    # assignment
    NO_BAY_FREE = "no_bay_free"
    BAY_UNKNOWN = "bay_unknown"  # bay
    BAY_TAKEN = "bay_taken"  # bay
    ASSIGNED_MEANWHILE = "assigned_meanwhile"  # plate, bay, by
    BAY_OUT_OF_SERVICE = "bay_out_of_service"  # bay, reason
    BAY_ISOLATION = "bay_isolation"  # bay
    BAY_CLASS = "bay_class"  # bay, hazard_class
    BAY_LOAD_STATE = "bay_load_state"  # bay
    BAY_NEIGHBOUR = "bay_neighbour"  # bay, neighbour, plate, hazard_class, distance_m, needed_m
    # lifecycle
    BOOKING_UNKNOWN = "booking_unknown"
    VISIT_UNKNOWN = "visit_unknown"
    STEP_ILLEGAL = "step_illegal"  # step, state
    TOO_EARLY = "too_early"  # opens_at
    TOO_LATE = "too_late"  # closed_at
    BAY_NOT_CONFIRMED = "bay_not_confirmed"
    BOOKING_STATE = "booking_state"  # state
    STEP_NOT_YOURS = "step_not_yours"  # step
    CARGO_CHANGED = "cargo_changed"
    DOCK_UNKNOWN = "dock_unknown"  # dock
    DOCK_CLASS = "dock_class"  # dock, hazard_class
    VEHICLE_INSIDE = "vehicle_inside"  # plate
    STILL_IN_BAY = "still_in_bay"  # bay, seen_at
    CODE_WRONG = "code_wrong"
    # people
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_IN_LOCKED = "sign_in_locked"  # minutes
    PASSWORD_WEAK = "password_weak"  # noqa: S105 - the name of a refusal, not a password
    USERNAME_TAKEN = "username_taken"  # username
    USERNAME_MALFORMED = "username_malformed"
    LAST_ADMIN = "last_admin"
    # violations
    VIOLATION_UNKNOWN = "violation_unknown"
    ALREADY_ACKNOWLEDGED = "already_acknowledged"  # by
    REMARK_MISSING = "remark_missing"


class Advice(StrEnum):
    """Why a bay is a good or a poor choice; said beside a suggestion, never a refusal."""

    ZONE_SPECIFIC = "zone_specific"  # zone, hazard_class
    ZONE_GENERAL = "zone_general"  # zone, count
    NOTHING_INCOMPATIBLE = "nothing_incompatible"
    NEAREST_INCOMPATIBLE = "nearest_incompatible"  # plate, neighbour, neighbour_class, distance_m, needed_m
    ROOM_ENOUGH = "room_enough"  # length_m, width_m
    ROOM_TIGHT = "room_tight"  # length_m, width_m, design_length_m, design_width_m
    ISOLATION_KEPT = "isolation_kept"  # count
