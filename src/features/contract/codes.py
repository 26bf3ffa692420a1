"""Code lists of the source contract, each with its English and Chinese meaning."""

from __future__ import annotations

from features.contract.types import CodeList


def _codes(name: str, /, **codes: str) -> CodeList:
    """Build a list from ``code="English|中文"``."""
    pairs = {code: text.split("|") for code, text in codes.items()}
    return CodeList(name, {code: (en, zh) for code, (en, zh) in pairs.items()})


ENTERPRISE_TYPE = _codes(
    "enterprise_type",
    limited_company="limited liability company|有限责任公司",
    joint_stock="joint stock company|股份有限公司",
    state_owned="state-owned enterprise|全民所有制企业",
    collective="collectively owned enterprise|集体所有制企业",
    sole_proprietorship="sole proprietorship enterprise|个人独资企业",
    partnership="partnership enterprise|合伙企业",
    foreign_invested="foreign-invested enterprise|外商投资企业",
    branch="branch of an enterprise|企业分支机构",
    individual_business="individual business, SAMR (14)|个体工商户",
    cooperative="farmers' cooperative, SAMR (14)|农民专业合作社",
    non_enterprise="institution, association or committee|非企业单位",
    unknown="not given by the source|来源未提供",
)
SHAREHOLDER_TYPE = _codes(
    "shareholder_type",
    natural="natural persons only|自然人股东",
    corporate="with corporate shareholders|法人股东",
    state="state-held|国有股东",
    foreign="with foreign shareholders|外资股东",
)
ENTERPRISE_STATUS = _codes(
    "enterprise_status",
    active="in business|存续",
    liquidating="in liquidation|清算中",
    revoked="business licence revoked|吊销",
    cancelled="deregistered|注销",
    moved_out="moved out of the province|迁出",
)
ROLE = _codes(
    "role",
    legal_representative="legal representative|法定代表人",
    director="director|董事",
    supervisor="supervisor|监事",
    manager="manager|经理",
)
HOLDER_KIND = _codes(
    "holder_kind",
    person="natural person, by opaque id|自然人",
    enterprise="enterprise, by enterprise_id|企业",
    state="state body|国有单位",
    foreign="foreign investor|境外投资者",
)
LICENCE_KIND = _codes(
    "licence_kind",
    food="food production or trade|食品生产经营",
    drug="drugs and medical devices|药品和医疗器械",
    special_equipment="special equipment|特种设备",
    industrial_product="industrial product production|工业产品生产",
    hazardous="hazardous chemicals, fireworks|危险化学品、烟花爆竹",
    construction_safety="construction work safety|建筑施工安全生产",
    culture="culture and press|文化出版",
    other="other|其他",
)
LICENCE_STATUS = _codes(
    "licence_status",
    valid="valid|有效",
    revoked="revoked as a penalty|吊销",
    withdrawn="withdrawn by the authority|撤销",
    surrendered="given back or lapsed|注销",
)
AUTHORITY_KIND = _codes(
    "authority_kind",
    market_regulation="market regulator|市场监管部门",
    other="another department|其他部门",
)
CHANGE_ITEM = _codes(
    "change_item",
    legal_representative="legal representative|法定代表人",
    name="name|名称",
    address="address|住所",
    scope="business scope|经营范围",
    capital="registered capital|注册资本",
    shareholders="shareholders|股东",
    other="other|其他",
)
FILING_KIND = _codes(
    "filing_kind",
    articles="articles of association|章程备案",
    managers="directors, supervisors, managers|董监高备案",
    liaison="liaison|联络员备案",
    liquidation_group="liquidation group|清算组备案",
    voluntary_information="voluntarily registered information, SC (5)|自愿注册信用信息",
    confirmation="administrative confirmation, HB 6|行政确认",
    ruling="administrative ruling, HB 6|行政裁决",
)
TAX_GRADE = _codes("tax_grade", A="A|A", B="B|B", M="M, new taxpayer|M", C="C|C", D="D|D")
IP_KIND = _codes("ip_kind", trademark="trademark|商标", patent="patent|专利", software="software copyright|软件著作权")
ENCUMBRANCE_KIND = _codes(
    "encumbrance_kind",
    equity_pledge="equity pledge|股权出质",
    equity_freeze="equity freeze|股权冻结",
    chattel_mortgage="chattel mortgage|动产抵押",
    ip_pledge="intellectual property pledge|知识产权质押",
)
ABNORMAL_REASON = _codes(
    "abnormal_reason",
    no_annual_report="annual report not published|未按规定公示年度报告",
    not_published="other information not published|未按规定公示其他信息",
    false_information="published falsehoods|公示信息弄虚作假",
    not_contactable="not contactable at its registered place|通过登记住所无法联系",
)
LIST_END = _codes(
    "list_end",
    repaired="ended by credit repair|信用修复移出",
    corrected="ended because entered wrongly|错误列入撤销",
    expired="ended by time|期满移出",
    escalated="moved to the serious list|转入严重违法失信名单",
)
SERIOUS_REASON = _codes(
    "serious_reason",
    food_drug="food or drug safety|食品药品安全",
    quality="product or equipment safety|质量安全",
    consumer="harm to consumers|侵害消费者权益",
    competition="market order|扰乱市场秩序",
    abnormal_three_years="abnormal list for three years|满三年未移出异常名录",
)
BLACKLIST_KIND = _codes(
    "blacklist_kind",
    judgment_debtor="dishonest judgment debtor (H13.2)|失信被执行人",
    tax="major tax violation|重大税收违法",
    customs="customs|海关失信",
    labour="wage arrears|拖欠农民工工资",
    environment="environment|环保失信",
    other="another department's blacklist (H13.3)|其他部门黑名单",
)
FIELD = _codes(
    "field",
    food="food|食品",
    drug="drugs and medical devices|药品医疗器械",
    special_equipment="special equipment|特种设备",
    product_quality="product quality|产品质量",
    price="price|价格",
    advertising="advertising|广告",
    competition="competition|反不正当竞争",
    intellectual_property="intellectual property|知识产权",
    measurement="measurement|计量",
    certification="certification|认证认可",
    consumer="consumer rights|消费者权益",
    registration="registration and publication|登记和公示",
    tax="tax|税务",
    environment="environment|生态环境",
    culture="culture and press|文化出版",
    safety="work safety|安全生产",
    labour="labour|劳动保障",
    construction="construction and planning|建设规划",
    other="other|其他",
)
PENALTY_KIND = _codes(
    "penalty_kind",
    warning="warning or criticism|警告、通报批评",
    fine="fine|罚款",
    confiscation="confiscation|没收",
    suspension="ordered to suspend production or business (H12.2)|责令停产停业",
    licence_revoked="licence revoked (H12.3)|吊销许可证件",
    business_licence_revoked="business licence revoked|吊销营业执照",
    other="other|其他",
)
ARM = _codes(
    "arm",
    random="two-randoms draw|双随机抽查",
    targeted="complaint, lead, transferred case or alert|有因检查",
    unknown="not said by the source|来源未说明",
)
ITEM_SEVERITY = _codes(
    "item_severity",
    minor="minor|一般",
    serious="serious, to be corrected|较重",
    critical="critical: a danger at once|严重",
)
PLACE_EVENT = _codes(
    "place_event",
    crime="crime|治安案件",
    sanitation="call about sanitation|环境卫生投诉",
    accident="accident or fire|事故或火灾",
    other="other|其他",
)
ITEM_RESULT = _codes(
    "item_result",
    passed="in order|合格",
    failed="not in order|不合格",
    not_applicable="not looked at, or does not apply|不适用",
)
TRIGGER = _codes(
    "trigger",
    draw="two-randoms draw|双随机抽取",
    complaint="complaint or report|投诉举报",
    lead="lead or transferred case|线索转办",
    alert="big-data alert|大数据监测",
    routine="routine visit|日常检查",
    special="special action|专项检查",
)
RESULT = _codes(
    "result",
    **{
        "1": "nothing found|未发现问题",
        "A": "problem found, handling pending|发现问题待后续处理",
        "B": "did not publish information|未按规定公示应当公示的信息",
        "C": "published falsehoods|公示信息隐瞒真实情况弄虚作假",
        "D": "other violation|发现其他违法问题",
        "E": "ordered to correct, corrected|发现问题已责令改正",
        "G": "handed to the police|移送公安机关",
        "3": "violates food or drug law|违反食品药品法律",
        "4": "violates quality law|违反质量法律",
        "5": "violates another department's law|违反其他部门法律",
        "6": "cannot be contacted at its registered place|通过登记的住所无法联系",
        "8": "refused the inspection, serious|不配合检查情节严重",
        "F": "inspected activity not found|未发现开展本次抽查涉及的经营活动",
        "7": "closed|已关闭停业或正在组织清算",
        "9": "deregistered|已注销",
        "10": "revoked|被吊销",
        "11": "annulled|被撤销",
        "12": "moved out|迁出",
    },
)
DRAW_FATE = _codes(
    "draw_fate",
    pending="drawn, not yet visited|已抽取待检查",
    carried_out="visited|已检查",
    not_carried_out="not visited|未检查",
    excused="excused|免于检查",
    capped="not visited: cap on visits reached|达到检查频次上限",
)
SUIT_ROLE = _codes("suit_role", defendant="defendant|被告", plaintiff="plaintiff|原告")
SAMPLE_RESULT = _codes("sample_result", passed="passed|合格", failed="failed|不合格")
RECALL_KIND = _codes(
    "recall_kind", ordered="ordered by a regulator|责令召回", voluntary="by the enterprise itself|主动召回"
)
RECALL_LEVEL = _codes(
    "recall_level",
    first="may gravely harm health or cause death|一级召回",
    second="may harm health|二级召回",
    third="labelling or other faults|三级召回",
)
CERTIFICATE_STATUS = _codes(
    "certificate_status",
    valid="valid|有效",
    suspended="suspended|暂停",
    withdrawn="withdrawn|撤销",
    expired="expired|过期",
)
EQUIPMENT_KIND = _codes(
    "equipment_kind",
    elevator="elevator|电梯",
    boiler="boiler|锅炉",
    pressure_vessel="pressure vessel|压力容器",
    crane="crane|起重机械",
    vehicle="vehicle on site|场内机动车辆",
)
EQUIPMENT_STATUS = _codes("equipment_status", in_use="in use|在用", stopped="stopped|停用", scrapped="scrapped|报废")
COMPLAINT_KIND = _codes("complaint_kind", complaint="complaint|投诉", report="report|举报")
COMPLAINT_OUTCOME = _codes(
    "complaint_outcome",
    pending="pending|处理中",
    upheld="upheld|属实",
    unfounded="unfounded|不属实",
    mediated="mediated|调解",
    malicious="found malicious|恶意投诉",
)
TONE = _codes("tone", negative="negative|负面", neutral="neutral|中性", positive="positive|正面")
ATTENTION = _codes("attention", low="low|低", medium="medium|中", high="high|高")
HONOUR_KIND = _codes(
    "honour_kind",
    contract_keeping="keeps contracts and promises|守合同重信用",
    quality_award="quality award|质量奖",
    reward="administrative reward, HB 6|行政奖励",
    other="other|其他",
)
CREDIT_GRADE = _codes("credit_grade", excellent="excellent|优", good="good|良", medium="medium|中", poor="poor|差")
COMMITMENT_STATE = _codes("commitment_state", open="not yet due|履行中", kept="kept|已履行", broken="broken|违背承诺")
TALK_KIND = _codes("talk_kind", reminder="reminder|提醒", warning="warning|警示", talk="talk|约谈")
REPAIR_STATE = _codes(
    "repair_state", applied="applied for|已申请", granted="granted|准予修复", refused="refused|不予修复"
)
OBJECTION_STATE = _codes(
    "objection_state", open="open|处理中", upheld="upheld|异议成立", rejected="rejected|异议不成立"
)
