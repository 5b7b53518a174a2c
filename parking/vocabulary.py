"""Every noun, state, violation kind and refusal, once, with the Chinese term beside it."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """Who signs in. A driver needs no account: a signed link or code opens the booking."""

    GUARD = "guard"  # 门卫
    DISPATCHER = "dispatcher"  # 调度员
    SUPERVISOR = "supervisor"  # 监管人员
    ADMIN = "admin"  # 管理员
    ENTERPRISE = "enterprise"  # 入园企业, sees and answers the bookings to its own docks


class LoadState(StrEnum):
    LOADED = "loaded"  # 重车
    EMPTY_CLEAN = "empty_clean"  # 空车(已清洗)
    EMPTY_UNCLEANED = "empty_uncleaned"  # 空车(未清洗): segregated like a loaded one


class GoodsTrait(StrEnum):
    """What the notes of a segregation table ask of a substance beyond its class."""

    ACID = "acid"  # 酸
    CYANIDE = "cyanide"  # 氰化物
    NITRIC_ACID = "nitric_acid"  # 硝酸
    SULFURIC_ACID = "sulfuric_acid"  # 硫酸
    HYDROFLUORIC_ACID = "hydrofluoric_acid"  # 氢氟酸
    TIH_ZONE_A = "tih_zone_a"  # 吸入毒性 A 区
    TIH_ZONE_B = "tih_zone_b"  # 吸入毒性 B 区
    TIH_ZONE_C = "tih_zone_c"  # 吸入毒性 C 区
    TIH_ZONE_D = "tih_zone_d"  # 吸入毒性 D 区
    LIQUID = "liquid"  # 液体
    SOLID = "solid"  # 固体


class SegregationNote(StrEnum):
    """What is said beside a verdict over two loads."""

    SAME_SUBSTANCE = "same_substance"
    CYANIDE_ACID = "cyanide_acid"
    CLASS_UNKNOWN = "class_unknown"
    CORROSIVE_ADJACENT = "corrosive_adjacent"
    NITRATE_EXPLOSIVE = "nitrate_explosive"
    FIRE_CATEGORY = "fire_category"
    PARK_OVERRIDE = "park_override"


class FireCategory(StrEnum):
    """Fire hazard category of goods in storage (火灾危险性分类)."""

    A = "甲"
    B = "乙"
    C = "丙"
    D = "丁"
    E = "戊"


class Leg(StrEnum):
    """Which cargo: what the vehicle brought, or what it took on at the dock."""

    IN = "in"  # 入园货物
    OUT = "out"  # 出园货物


class DocumentKind(StrEnum):
    """Papers with an end of validity, judged on the exit date of the stay."""

    VEHICLE_LICENCE = "vehicle_licence"  # 行驶证
    TRANSPORT_PERMIT = "transport_permit"  # 道路运输证
    TANK_INSPECTION = "tank_inspection"  # 罐体检验
    DRIVER_QUALIFICATION = "driver_qualification"  # 驾驶员从业资格证
    ESCORT_QUALIFICATION = "escort_qualification"  # 押运员从业资格证
    TOXIC_PERMIT = "toxic_permit"  # 剧毒化学品道路运输通行证
    INSURANCE = "insurance"  # 承运人责任险


class BookingState(StrEnum):
    """Life of a booking (预约)."""

    DRAFT = "draft"  # 草稿
    SUBMITTED = "submitted"  # 待企业审核
    ENTERPRISE_APPROVED = "enterprise_approved"  # 企业已同意, waits for the park
    WAITLISTED = "waitlisted"  # 候补
    APPROVED = "approved"  # 已批准, a bay is held
    SUSPENDED = "suspended"  # 已暂停, by a warning or the blacklist
    USED = "used"  # 已到达
    RETURNED = "returned"  # 已退回, to be mended and sent again
    REJECTED = "rejected"  # 已驳回
    CANCELLED = "cancelled"  # 已取消
    EXPIRED = "expired"  # 已过期, nobody decided in time
    NO_SHOW = "no_show"  # 未到, approved but never came


#: Bookings that wait for a decision or for their vehicle: they count against others.
LIVE_BOOKING = frozenset(
    {
        BookingState.SUBMITTED,
        BookingState.ENTERPRISE_APPROVED,
        BookingState.WAITLISTED,
        BookingState.APPROVED,
        BookingState.SUSPENDED,
        BookingState.USED,
    }
)


class BookingStep(StrEnum):
    """What people do to a booking."""

    SUBMIT = "submit"  # 提交
    ENTERPRISE_APPROVE = "enterprise_approve"  # 企业同意
    RETURN = "return"  # 退回修改
    REJECT = "reject"  # 驳回
    WAITLIST = "waitlist"  # 列入候补
    APPROVE = "approve"  # 批准: a bay is held
    LOSE_BAY = "lose_bay"  # 泊位失效
    SUSPEND = "suspend"  # 暂停
    RESUME = "resume"  # 恢复
    CANCEL = "cancel"  # 取消
    EXPIRE = "expire"  # 过期
    MISS = "miss"  # 未到
    ARRIVE = "arrive"  # 到达


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
    ENTERPRISE = "enterprise"  # 入园企业
    PURPOSE = "purpose"  # 来园事由
    CARGOES = "cargoes"  # 各舱货物
    LENGTH_M = "length_m"  # 车长
    WIDTH_M = "width_m"  # 车宽
    HEIGHT_M = "height_m"  # 车高
    DOCUMENTS = "documents"  # 证件有效期
    REMARK = "remark"  # 备注


class Purpose(StrEnum):
    """What a vehicle comes for (来园事由); a park may limit its stay by it."""

    UNLOAD = "to_unload"  # 卸货
    LOAD = "to_load"  # 装货
    WASH = "to_wash"  # 洗罐
    WAIT = "to_wait"  # 停车等候


class VisitState(StrEnum):
    """Life of a visit (车次): one truck, one stay."""

    WAITING_OUTSIDE = "waiting_outside"  # 早到等候
    ARRIVED = "arrived"  # 已到达, at the gate
    INSPECTED = "inspected"  # 已查验
    QUEUED = "queued"  # 无泊位等候
    REFUSED = "refused"  # 拒绝入园
    ADMITTED = "admitted"  # 已放行
    MISSING = "missing"  # 未按时入位
    ISOLATED = "isolated"  # 已隔离
    PARKED = "parked"  # 已入位
    CALLED = "called"  # 已叫号
    EN_ROUTE_IN = "en_route_in"  # 驶往装卸台
    AT_DOCK = "at_dock"  # 装卸中
    WORK_DONE = "work_done"  # 装卸完成
    EN_ROUTE_OUT = "en_route_out"  # 驶离
    WASHING = "washing"  # 洗消
    EVACUATED = "evacuated"  # 应急疏散
    EXITED = "exited"  # 已离园
    CLOSED = "closed"  # 已结束, left the ring as well
    CLOSED_INFERRED = "closed_inferred"  # 推断结束: left between two instants, unseen


#: States in which the vehicle stands or moves inside the park.
INSIDE = frozenset(
    {
        VisitState.ADMITTED,
        VisitState.MISSING,
        VisitState.ISOLATED,
        VisitState.PARKED,
        VisitState.CALLED,
        VisitState.EN_ROUTE_IN,
        VisitState.AT_DOCK,
        VisitState.WORK_DONE,
        VisitState.EN_ROUTE_OUT,
        VisitState.WASHING,
    }
)
#: States at the gate, before the park lets the vehicle in.
AT_GATE = frozenset({VisitState.WAITING_OUTSIDE, VisitState.ARRIVED, VisitState.INSPECTED, VisitState.QUEUED})
#: States in which a visit is not over. An evacuated vehicle is outside, its visit goes on.
OPEN_VISIT = INSIDE | AT_GATE | {VisitState.EVACUATED}


class VisitStep(StrEnum):
    """What people do to a visit."""

    CHECK_IN = "check_in"  # 签到
    OPEN_WINDOW = "open_window"  # 到时转入查验
    INSPECT = "inspect"  # 查验合格
    QUEUE = "queue"  # 等候泊位
    ADMIT = "admit"  # 放行
    REFUSE = "refuse"  # 拒绝
    PARK = "park"  # 入位
    GO_MISSING = "go_missing"  # 未按时入位
    ISOLATE = "isolate"  # 转隔离泊位
    CALL = "call"  # 叫号
    MISS_CALL = "miss_call"  # 过号
    DEPART_BAY = "depart_bay"  # 离位
    REACH_DOCK = "reach_dock"  # 到达装卸台
    FINISH_WORK = "finish_work"  # 装卸完成
    REFUSE_WORK = "refuse_work"  # 企业拒收
    LEAVE_DOCK = "leave_dock"  # 离开装卸台
    WASH = "wash"  # 去洗消
    EVACUATE = "evacuate"  # 应急疏散
    COME_BACK = "come_back"  # 疏散后返回
    CANCEL_STAY = "cancel_stay"  # 到达后取消
    CHECK_OUT = "check_out"  # 离园签退
    CLOSE = "close"  # 结束
    CLOSE_INFERRED = "close_inferred"  # 推断结束


class ViolationKind(StrEnum):
    """An offence (违规)."""

    BOUNDARY_CROSSING = "boundary_crossing"  # 越界: boundary crossed away from a gate
    WRONG_GATE = "wrong_gate"  # 走错卡口
    RING_OFF_ROUTE = "ring_off_route"  # 控制区内偏离路线
    RING_STOP = "ring_stop"  # 控制区内停车
    RING_UNBOOKED = "ring_unbooked"  # 未预约进入控制区
    ROUTE_DEVIATION = "route_deviation"  # 偏离路线
    WRONG_WAY = "wrong_way"  # 逆向行驶: a one-way approved route driven backwards
    ZONE_UNBOOKED = "zone_unbooked"  # 未预约进入封闭区
    ILLEGAL_STOP = "illegal_stop"  # 违规停车
    WRONG_BAY = "wrong_bay"  # 错停泊位
    OVERSTAY = "overstay"  # 超时停放
    SPEEDING = "speeding"  # 超速
    LOST_SIGNAL = "lost_signal"  # 掉线
    TERMINAL_ALARM = "terminal_alarm"  # 终端报警


class PassageKind(StrEnum):
    """A crossing that is recorded but is no offence (出入园记录)."""

    BOUNDARY_AT_GATE = "boundary_at_gate"  # 经卡口出入园
    BOUNDARY_UNSEEN = "boundary_unseen"  # 过界未见: silent too long to say where, a gate was reachable
    CONTROL_LINE_CROSSING = "control_line_crossing"  # 穿越控制线
    ZONE_CROSSING = "zone_crossing"  # 进出封闭区


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
    FROZEN = "frozen"  # 位置冻结: it says it moves, its place does not
    DRIFT = "drift"  # 静止漂移: a stray place of a vehicle that stands
    GCJ02 = "gcj02"  # 坐标偏移: its places are displaced as GCJ-02 is
    DUPLICATE = "duplicate"  # 重复
    LATE = "late"  # 补传: older than the last judged fix
    UNBOUND = "unbound"  # 终端未绑定车辆
    SECONDARY = "secondary"  # 次要来源: a better door reported the vehicle at that time


class FeedKind(StrEnum):
    """Doors beside the gateway."""

    DEVICE = "device"  # 手机
    PLATFORM = "platform"  # 承运企业平台
    IMPORT = "import"  # 轨迹导入


class ImportState(StrEnum):
    """A file of old tracks."""

    READING = "reading"  # 导入中
    IMPORTED = "imported"  # 已导入
    UNUSABLE = "unusable"  # 无法使用


class FixFault(StrEnum):
    """Why a position offered over HTTP or in a file cannot be used; its field is named beside it."""

    ABSENT = "absent"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"
    NOT_A_TIME = "not_a_time"
    ZONE_ABSENT = "zone_absent"
    NOT_TEXT = "not_text"
    NOT_TRUE_OR_FALSE = "not_true_or_false"
    TOO_LONG = "too_long"
    NOT_LISTED = "not_listed"
    NOT_KNOWN = "not_known"
    NOT_AN_OBJECT = "not_an_object"
    NOT_A_LIST = "not_a_list"
    TOO_MANY = "too_many"
    PLATE_OUT_OF_SCOPE = "plate_out_of_scope"
    PLATE_DIFFERS = "plate_differs"
    FILE_UNREADABLE = "file_unreadable"
    FILE_TOO_LARGE = "file_too_large"
    LINES_ABSENT = "lines_absent"
    FILE_EMPTY = "file_empty"
    FILE_ENTITIES = "file_entities"
    COLUMN_ABSENT = "column_absent"
    COLUMN_TWICE = "column_twice"
    DATUM_ABSENT = "datum_absent"
    KEY_REUSED = "key_reused"


class ViolationState(StrEnum):
    OPEN = "open"  # 未处理
    ACKNOWLEDGED = "acknowledged"  # 已确认
    REFUTED = "refuted"  # 证据不支持: all positions together do not show it


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


class RestraintState(StrEnum):
    """A restraint (暂扣): calls, departures and exits wait until it is lifted."""

    STANDING = "standing"  # 暂扣中
    LIFTED = "lifted"  # 已解除


class CheckResult(StrEnum):
    """What the guard found for one row of the entry checklist."""

    PASS = "pass"  # noqa: S105 - 合格
    FAIL = "fail"  # 不合格
    NOT_APPLICABLE = "not_applicable"  # 不适用


class SelfCheck(StrEnum):
    """What of the entry checklist the product answers by itself."""

    BLACKLIST = "blacklist_check"  # 黑名单与未结违规
    TERMINAL = "terminal_check"  # 卫星定位在线


class OnFail(StrEnum):
    """What a failed row leads to."""

    REFUSE = "refuse"  # 拒绝入园
    HOLD = "hold"  # 暂扣整改
    ISOLATE = "isolate"  # 转隔离泊位


class OverrideState(StrEnum):
    """A two-person override: one asks, another answers, it is used once."""

    ASKED = "asked"  # 待复核
    GRANTED = "granted"  # 已同意
    DECLINED = "declined"  # 不同意
    SPENT = "spent"  # 已使用
    EXPIRED = "expired"  # 已失效


class BanSubject(StrEnum):
    """Whom the blacklist (黑名单) names."""

    PLATE = "plate"  # 车辆
    DRIVER = "driver"  # 驾驶员 or 押运员, by phone number or name
    CARRIER = "carrier"  # 承运企业


class AppealState(StrEnum):
    NONE = "none"  # 未申诉
    APPEALED = "appealed"  # 申诉中
    UPHELD = "upheld"  # 维持
    WON = "won"  # 申诉成立


class TicketState(StrEnum):
    """A place in the call-forward queue of a dock (叫号)."""

    WAITING = "waiting"  # 等候
    CALLED = "called"  # 已叫号
    GONE = "gone"  # 已前往
    DONE = "done"  # 已完成
    LEFT = "left"  # 已退出


class QueueReason(StrEnum):
    """Why a vehicle has its place in the line; said beside it."""

    DUE = "due"  # due_at
    PRIORITY = "priority"  # reason
    PATIENCE = "patience"  # minutes
    MISSED = "missed"  # count


class WarningLevel(StrEnum):
    """Warning level (预警信号); only the weather service issues them, the park writes them down."""

    BLUE = "blue"  # 蓝色
    YELLOW = "yellow"  # 黄色
    ORANGE = "orange"  # 橙色
    RED = "red"  # 红色


class WeatherKind(StrEnum):
    """What a warning is of (预警种类). A park may name kinds of its own in its rules."""

    RAIN = "rain"  # 暴雨
    FLOOD = "flood"  # 洪水
    LIGHTNING = "lightning"  # 雷电
    HEAT = "heat"  # 高温
    WIND = "wind"  # 大风
    TYPHOON = "typhoon"  # 台风
    HAIL = "hail"  # 冰雹
    SNOW = "snow"  # 暴雪
    ICE = "ice"  # 道路结冰
    COLD = "cold"  # 寒潮
    FOG = "fog"  # 大雾
    HAZE = "haze"  # 霾
    SANDSTORM = "sandstorm"  # 沙尘暴
    OTHER = "other"  # 其他: held by the rules of all kinds


class WarningField(StrEnum):
    """What is written down of a warning."""

    KIND = "kind"  # 类型
    LEVEL = "level"  # 级别
    ISSUER = "issuer"  # 发布单位
    ORIGINAL = "original"  # 预警原文
    SINCE = "since"  # 生效时间
    UNTIL = "until"  # 结束时间


class PlanState(StrEnum):
    """A plan for a whole day."""

    RUNNING = "running"  # 计算中
    IMPROVING = "improving"  # 优化中
    PROVEN = "proven"  # 已证明最优
    BUDGET = "budget"  # 时间用完
    FAILED = "failed"  # 失败
    APPLIED = "applied"  # 已采用


class CommandKind(StrEnum):
    """What is asked of a terminal (终端指令)."""

    SEND_TEXT = "send_text"  # 下发文本
    LOCATE_NOW = "locate_now"  # 立即定位
    TRACK_FOR_A_WHILE = "track_for_a_while"  # 临时跟踪
    SET_PARAMETERS = "set_parameters"  # 设置参数
    ASK_PARAMETERS = "ask_parameters"  # 查询参数
    ASK_ATTRIBUTES = "ask_attributes"  # 查询属性
    CONFIRM_ALARM = "confirm_alarm"  # 人工确认报警
    RESTART_TERMINAL = "restart_terminal"  # 终端复位
    SET_AREA = "set_area"  # 设置区域
    SET_ROUTE = "set_route"  # 设置路线
    DELETE_AREAS = "delete_areas"  # 删除区域
    DELETE_ROUTES = "delete_routes"  # 删除路线
    ASK_AREAS = "ask_areas"  # 查询区域


class CommandState(StrEnum):
    """Life of a command (指令状态)."""

    QUEUED = "command_queued"  # 待下发
    SENT = "command_sent"  # 已下发
    ANSWERED = "command_answered"  # 已应答
    FAILED = "command_failed"  # 失败
    EXPIRED = "command_expired"  # 已过期


#: Commands that still want something of the gateway.
LIVE_COMMAND = frozenset({CommandState.QUEUED, CommandState.SENT})


class CommandFault(StrEnum):
    """Why a command failed."""

    REFUSED = "terminal_failed_it"  # 终端执行失败
    NOT_UNDERSTOOD = "terminal_found_it_wrong"  # 消息有误
    NOT_SUPPORTED = "terminal_cannot"  # 终端不支持
    NO_ANSWER = "terminal_did_not_answer"  # 无应答
    EDITION = "edition_cannot"  # 协议版本不支持
    UNSENDABLE = "cannot_be_encoded"  # 无法编码
    WITHDRAWN = "command_withdrawn"  # 已撤回
    REPLACED = "command_replaced"  # 已被取代


class FenceState(StrEnum):
    """What is known of an area or route in a terminal."""

    WANTED = "fence_wanted"  # 待设置
    HELD = "fence_held"  # 已在终端
    GOING = "fence_going"  # 待删除
    FAILED = "fence_failed"  # 设置失败


class TerminalAlarm(StrEnum):
    """An alarm the terminal raises by itself from areas and routes it holds."""

    OVERSPEED = "terminal_overspeed"  # 终端超速报警
    AREA = "terminal_area_crossed"  # 终端进出区域
    ROUTE = "terminal_route_crossed"  # 终端进出路线
    SEGMENT = "terminal_segment_time"  # 终端路段行驶时间
    DEVIATION = "terminal_route_left"  # 终端路线偏离


class ConflictKind(StrEnum):
    """Two claims that cannot both be true (终端冲突)."""

    PLATE_CLAIMED = "plate_claimed"  # 车牌被另一终端申报
    TWO_PLACES = "two_places"  # 同一终端两处连接
    POSITIONS_ALTERNATE = "positions_alternate"  # 同一终端位置交替


class ConflictState(StrEnum):
    OPEN = "conflict_open"  # 未处理
    CLOSED = "conflict_closed"  # 已处理


class RequestState(StrEnum):
    """A terminal nobody knows asks to be let in."""

    WAITING = "request_waiting"  # 待审核
    GRANTED = "request_granted"  # 已准入
    DENIED = "request_denied"  # 已拒绝


class OrderField(StrEnum):
    """Fields of the forms for terminals."""

    TEXT = "order_text"  # 文本
    INTERVAL_S = "order_interval_s"  # 间隔（秒）
    VALID_S = "order_valid_s"  # 有效期（秒）
    EXPIRES_MIN = "order_expires_min"  # 多久后过期（分钟）
    HEARTBEAT_S = "parameter_heartbeat_s"  # 心跳间隔
    REPORT_S = "parameter_report_s"  # 缺省汇报间隔
    SLEEP_REPORT_S = "parameter_sleep_report_s"  # 休眠汇报间隔
    ALARM_REPORT_S = "parameter_alarm_report_s"  # 紧急报警汇报间隔
    TOP_SPEED_KMH = "parameter_top_speed_kmh"  # 最高速度
    SPEEDING_S = "parameter_speeding_s"  # 超速持续时间
    LONGEST_STOP_S = "parameter_longest_stop_s"  # 最长停车时间
    REASON = "order_reason"  # 原因


class Refusal(StrEnum):
    """Every "no" the house can say. Facts are named beside; sentences live in ``speech``."""

    # booking form
    FIELD_MISSING = "field_missing"  # field
    FIELD_TOO_LONG = "field_too_long"  # field, limit
    PLATE_MALFORMED = "plate_malformed"  # plate
    PLATE_SAME = "plate_same"  # plate
    PLATE_TOO_LATE = "plate_too_late"
    PLATE_NOT_YOURS = "plate_not_yours"
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
    NO_BAY_LEFT = "no_bay_left"  # plate
    PLAN_NOT_READY = "plan_not_ready"  # state
    BAY_TAKEN = "bay_taken"  # bay
    ASSIGNED_MEANWHILE = "assigned_meanwhile"  # plate, bay, by
    BAY_OUT_OF_SERVICE = "bay_out_of_service"  # bay, reason
    BAY_ISOLATION = "bay_isolation"  # bay
    BAY_CLASS = "bay_class"  # bay, hazard_class
    BAY_LOAD_STATE = "bay_load_state"  # bay
    BAY_TOO_SMALL = "bay_too_small"  # bay, length_m, width_m, height_m, bay_length_m, bay_width_m
    INDEX_LOT = "index_lot"  # zone, index, limit, at, own, largest
    INDEX_ZONE = "index_zone"  # zone, index, limit, at, own, largest
    HOURS_FORBIDDEN = "hours_forbidden"  # hazard_class, begins, ends, reason
    STAY_TOO_LONG = "stay_too_long"  # bay, hours, booked, reason
    WEATHER_HOLD = "weather_hold"  # level, kind, issuer, since, hazard_class
    WARNING_UNKNOWN = "warning_unknown"
    WARNING_NOT_YOURS = "warning_not_yours"
    WARNING_OVER = "warning_over"
    BAY_NEIGHBOUR = "bay_neighbour"  # bay, neighbour, plate, hazard_class, distance_m, needed_m
    # routes and closed zones named by a booking
    ROUTE_UNKNOWN = "route_unknown"  # route
    ROUTE_NOT_IN_FORCE = "route_not_in_force"  # route, day
    ROUTE_DETOUR = "route_detour"  # route
    ZONE_UNKNOWN = "zone_unknown"  # zone
    ZONE_NOT_IN_FORCE = "zone_not_in_force"  # zone, day
    ZONE_NOT_CLOSED = "zone_not_closed"  # zone
    PLACE_SHUT = "place_shut"  # place, zone
    PERMIT_MEANWHILE = "permit_meanwhile"  # plate, by
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
    RESTRAINED = "restrained"  # reason
    DOCUMENT_EXPIRES = "document_expires"  # document, until, leaves
    COMPARTMENTS_CLASH = "compartments_clash"  # one, other, source
    CHECK_NOT_SKIPPED = "check_not_skipped"  # code
    CHECK_DATE_MISSING = "check_date_missing"  # code, document
    CHECK_REMARK_MISSING = "check_remark_missing"  # code
    CHECK_ROW_UNKNOWN = "check_row_unknown"  # code
    CHECK_KNOWN = "check_known"  # code
    TERMINAL_SILENT = "terminal_silent"  # heard_at, minutes
    TERMINAL_UNHEARD = "terminal_unheard"
    OVERRIDE_OVER = "override_over"
    OVERRIDE_NOT_YOURS = "override_not_yours"
    OVERRIDE_NOT_NEEDED = "override_not_needed"
    BAN_OVER = "ban_over"
    BANNED = "banned"  # name, reason, until
    CHECKLIST_OPEN = "checklist_open"
    CARGO_UNDECLARED = "cargo_undeclared"
    CLEAN_UNPROVEN = "clean_unproven"
    RESIDUE_MISSING = "residue_missing"  # un_numbers
    WAYBILL_OUT_MISSING = "waybill_out_missing"
    NO_ISOLATION_BAY = "no_isolation_bay"
    NOT_RESTRAINED = "not_restrained"
    ENTERPRISE_UNKNOWN = "enterprise_unknown"  # enterprise
    # calling forward
    DOCK_BUSY = "dock_busy"  # dock, count
    NOBODY_TO_CALL = "nobody_to_call"  # dock
    TICKET_OVER = "ticket_over"
    BOOKING_NOT_WAITLISTED = "booking_not_waitlisted"
    # people
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_IN_LOCKED = "sign_in_locked"  # minutes
    PASSWORD_WEAK = "password_weak"  # noqa: S105 - the name of a refusal, not a password
    USERNAME_TAKEN = "username_taken"  # username
    USERNAME_MALFORMED = "username_malformed"
    LAST_ADMIN = "last_admin"
    # doors beside the gateway
    DEVICE_KEY_TAKEN = "device_key_taken"  # device_key
    DEVICE_KEY_MALFORMED = "device_key_malformed"
    TOO_MANY_PLATES = "too_many_plates"  # limit
    # violations
    VIOLATION_UNKNOWN = "violation_unknown"
    VIOLATION_REFUTED = "violation_refuted"
    ALREADY_ACKNOWLEDGED = "already_acknowledged"  # by
    REMARK_MISSING = "remark_missing"
    # layers
    DRAWING_FORMAT = "drawing_format"  # suffix, allowed
    DRAWING_TOO_LARGE = "drawing_too_large"  # megabytes, limit
    DRAWING_EMPTY = "drawing_empty"
    DRAWING_UNKNOWN = "drawing_unknown"
    DRAWING_DECIDED = "drawing_decided"
    DRAWING_WRONG = "drawing_wrong"  # count
    DRAWING_CHANGED = "drawing_changed"
    DRAWING_CRS = "drawing_crs"  # crs
    DRAWING_PROPERTY = "drawing_property"  # line
    REPAIR_NOT_AGREED = "repair_not_agreed"
    ACT_DATES = "act_dates"
    PERIOD_WRONG = "period_wrong"  # days
    PERIOD_TOO_MUCH = "period_too_much"  # count, limit
    VERSION_UNKNOWN = "version_unknown"  # id
    TOKEN_UNKNOWN = "token_unknown"  # noqa: S105 - the name of a refusal
    TOKENS_TOO_MANY = "tokens_too_many"
    # terminals
    TERMINAL_UNKNOWN = "terminal_unknown"
    TERMINAL_UNBOUND = "terminal_unbound"  # phone
    COMMAND_OVER = "command_over"  # state
    OUT_OF_RANGE = "number_out_of_range"  # field, least, most
    NOT_GBK = "not_gbk"  # characters
    TEXT_TOO_LONG = "text_too_long"  # bytes, limit
    NOTHING_ASKED = "nothing_asked"
    REQUEST_OVER = "request_over"
    CONFLICT_OVER = "conflict_over"
    PLATE_HAS_TERMINAL = "plate_has_terminal"  # plate, phone


class Advice(StrEnum):
    """Why a bay is a good or a poor choice; said beside a suggestion, never a refusal."""

    ZONE_SPECIFIC = "zone_specific"  # zone, hazard_class
    ZONE_GENERAL = "zone_general"  # zone, count
    NOTHING_INCOMPATIBLE = "nothing_incompatible"
    NEAREST_INCOMPATIBLE = "nearest_incompatible"  # plate, neighbour, neighbour_class, distance_m, needed_m
    ROOM_ENOUGH = "room_enough"  # length_m, width_m
    ROOM_TIGHT = "room_tight"  # length_m, width_m, design_length_m, design_width_m
    INDEX_LOW = "index_low"  # index, limit
    INDEX_HIGH = "index_high"  # index, limit
    SIZE_ASSUMED = "size_assumed"  # length_m, width_m
    ISOLATION_KEPT = "isolation_kept"  # count
    WAY = "way"  # metres
    NOT_BANNED = "not_banned"
    VIOLATIONS_OPEN = "violations_open"  # count
    TERMINAL_HEARD = "terminal_heard"  # heard_at


class DrawingState(StrEnum):
    """What became of a file of layers that was handed in (图件)."""

    OPEN = "drawing_open"  # 待确认
    TAKEN = "drawing_taken"  # 已采用
    DECLINED = "drawing_declined"  # 未采用


class SuccessionWord(StrEnum):
    """What a drawing does to the versions there are."""

    NEW = "version_new"  # 新增
    SAME = "version_same"  # 无变化
    FOLLOWS = "version_follows"  # 接替
    ENDS = "version_ends"  # 到期终止
    REPLACED = "version_replaced"  # 被取代
