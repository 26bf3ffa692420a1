"""Tables of what regulators and courts found and did."""

from __future__ import annotations

from features.contract import codes as c
from features.contract.types import ENDED, Column, Table, money, ref

CONDUCT_TABLES: tuple[Table, ...] = (
    Table(
        "abnormal_list",
        "经营异常名录",
        "an entry in the abnormal-operation list",
        "day listed",
        (
            Column("reason", "code", "列入原因", required=True, codes=c.ABNORMAL_REASON),
            ENDED,
            Column("end_reason", "code", "移出原因", codes=c.LIST_END),
        ),
        "SAMR (5)",
    ),
    Table(
        "serious_list",
        "严重违法失信名单",
        "an entry in the serious-violation list (H13.1)",
        "day listed",
        (
            Column("reason", "code", "列入原因", required=True, codes=c.SERIOUS_REASON),
            ENDED,
            Column("end_reason", "code", "移出原因", codes=c.LIST_END),
        ),
        "SAMR (5); HB 13(1)",
    ),
    Table(
        "blacklists",
        "失信被执行人和其他黑名单",
        "an entry in the courts' or another department's list",
        "day listed",
        (
            Column("list_kind", "code", "名单类别", required=True, codes=c.BLACKLIST_KIND),
            money("amount_fen", "金额"),
            ENDED,
            Column("end_reason", "code", "移出原因", codes=c.LIST_END),
        ),
        "HB 13(2), 13(3)",
    ),
    Table(
        "penalties",
        "行政处罚",
        "an administrative penalty decision",
        "day decided",
        (
            Column("document_no", "text", "处罚决定书文号"),
            Column("authority_kind", "code", "处罚机关类别", codes=c.AUTHORITY_KIND),
            Column("field", "code", "领域", codes=c.FIELD),
            Column("penalty_kinds", "codes", "处罚种类", required=True, codes=c.PENALTY_KIND),
            money("fine_fen", "罚款金额"),
            money("confiscated_fen", "没收金额"),
        ),
        "SAMR (5); HB 6, 12",
    ),
    Table(
        "inspections",
        "检查结果",
        "a visit; its result often arrives as a later version",
        "day of the visit",
        (
            Column("arm", "code", "检查来源", required=True, codes=c.ARM),
            Column("trigger", "code", "检查事由", codes=c.TRIGGER),
            Column("draw_id", "text", "抽取编号", "record_id in draws, for the random arm"),
            Column("field", "code", "领域", codes=c.FIELD),
            Column("inspector_id", "text", "检查人员标识", "opaque id of the inspecting pair"),
            Column(
                "result_codes",
                "codes",
                "检查结果代码",
                "several per visit; empty: not yet known",
                codes=c.RESULT,
            ),
        ),
        "SAMR (8); HB 17",
    ),
    Table(
        "draws",
        "双随机抽取",
        "an enterprise drawn for a random visit; kept whatever became of it",
        "day of the draw",
        (
            ref("plan_id", "抽查计划", "the plan that drew it"),
            Column(
                "probability_ppm",
                "int",
                "抽取概率",
                "probability the plan gave it, parts per million",
                required=True,
                minimum=1,
                maximum=1_000_000,
            ),
            Column("fate", "code", "抽取结果", required=True, codes=c.DRAW_FATE),
        ),
        "SAMR (8); SC (7)",
    ),
    Table(
        "lawsuits",
        "涉诉",
        "a lawsuit",
        "day filed",
        (
            Column("suit_role", "code", "诉讼地位", required=True, codes=c.SUIT_ROLE),
            money("amount_fen", "涉案金额"),
        ),
        "SAMR (4) regulatory",
    ),
    Table(
        "product_samples",
        "产品抽检",
        "a product sampled and tested",
        "day sampled",
        (
            Column("field", "code", "领域", codes=c.FIELD),
            Column("result", "code", "结果", codes=c.SAMPLE_RESULT),
        ),
        "SAMR (5); HB 14",
    ),
    Table(
        "certificates",
        "认证证书",
        "a certificate",
        "day issued",
        (
            Column("valid_to", "date", "有效期至"),
            Column("certificate_status", "code", "证书状态", required=True, codes=c.CERTIFICATE_STATUS),
            ENDED,
        ),
        "HB 19(4)",
    ),
    Table(
        "special_equipment",
        "特种设备",
        "a piece of special equipment",
        "day put into use",
        (
            Column("equipment_kind", "code", "设备种类", required=True, codes=c.EQUIPMENT_KIND),
            Column("inspection_due", "date", "检验到期日"),
            Column("equipment_status", "code", "设备状态", required=True, codes=c.EQUIPMENT_STATUS),
        ),
        "SAMR (5); HB 18(2)",
    ),
    Table(
        "warning_talks",
        "警示约谈",
        "a reminder, warning or talk",
        "day held",
        (Column("talk_kind", "code", "类别", required=True, codes=c.TALK_KIND),),
        "SC (9); SAMR (12)",
    ),
)


PRODUCT_TABLES: tuple[Table, ...] = (
    Table(
        "recalls",
        "产品召回",
        "a recall of products, by order of a regulator or by the enterprise itself",
        "day the recall was ordered or begun",
        (
            Column("recall_kind", "code", "召回方式", required=True, codes=c.RECALL_KIND),
            Column("field", "code", "领域", codes=c.FIELD),
            Column("recall_level", "code", "召回级别", "where the field has levels", codes=c.RECALL_LEVEL),
            ENDED,
        ),
        "SAMR (5); HB 14",
    ),
)
