"""Industry, district, founding year and type of an enterprise, guessed from its name and its code.

Both are known at the first sight of the enterprise and carry no outcome. The industry is a guess
from words of the name [K]: the sources have none. It is given as a GB/T 4754-2017 class (section
letter, four digits), because the division alone puts internet cafes, song halls and game halls
together (R90), whose problem rates differ; its first three characters are section and division.
"""

from __future__ import annotations

from datetime import date

INDUSTRY_WORDS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("上网服务", "网吧", "网咖", "网城", "电竞"), "R9013"),  # internet cafes
    (("歌厅", "KTV", "舞厅", "量贩", "欢唱", "歌舞", "娱乐"), "R9011"),  # song and dance halls
    (("游艺", "电玩", "游乐", "密室", "剧本", "桌游"), "R9012"),  # games indoors
    (("影城", "影院", "电影", "影业"), "R8760"),  # cinemas
    (("影视", "广播", "电视"), "R8730"),  # making of films and programmes
    (("印刷", "印务", "彩印", "印制", "图文", "快印", "印装"), "C2319"),  # printing
    (("书店", "书屋", "书城", "书吧", "书局", "图书", "书刊", "书业", "新华"), "F5243"),  # bookshops
    (("出版", "杂志", "报社", "期刊", "编辑部", "音像", "学报"), "R8620"),  # publishing
    (("演出", "剧院", "剧场", "剧团", "艺术", "画廊", "美术", "书画", "拍卖", "文物", "博物", "音乐"), "R8810"),
    (("旅行社", "旅游", "国旅", "旅行"), "L7291"),  # travel agencies
    (("广告", "会展", "会议", "经纪", "人力资源", "物业"), "L7250"),
    (("酒店", "宾馆", "旅馆", "民宿", "客栈", "饭店", "度假", "招待所"), "H6110"),  # lodging
    (("酒吧", "酒馆", "咖啡"), "H6230"),  # drinks
    (("餐饮", "餐厅", "餐馆", "小吃", "饺子", "火锅", "烧烤", "烤肉", "食府", "饭庄", "酒楼", "面馆"), "H6210"),
    (("体育", "健身", "游泳", "球馆", "滑雪", "台球"), "R8930"),
    (("教育", "培训", "学校", "幼儿园", "中学", "小学", "大学", "学院"), "P8390"),
    (("加油站", "石油", "石化"), "F5265"),  # petrol stations
    (("超市", "便利店", "百货", "商店", "小卖部", "商场", "药店", "药房", "零售"), "F5210"),
    (("商贸", "贸易", "进出口", "经贸", "销售"), "F5190"),
    (("建筑", "建设", "工程", "装饰", "装修", "园林"), "E4700"),
    (("运输", "物流", "货运", "快递"), "G5430"),
    (("房地产", "置业"), "K7010"),
    (("食品", "饮料", "乳业"), "C1490"),
    (("制造", "机械", "制品", "加工", "器材", "家具", "服装", "包装"), "C4190"),
    (("汽车", "汽修", "维修", "修理"), "O8111"),
    (("文化", "传媒", "传播"), "R8890"),  # after the venues: no other word tells more
    (("网络", "互联网", "信息", "软件", "数据"), "I6420"),
    (("科技", "技术"), "M7590"),
    (("投资", "资产", "基金", "融资"), "J6900"),
    (("医院", "诊所", "卫生", "医疗"), "Q8410"),
    (("咨询", "管理", "服务", "策划"), "L7240"),
    (("种植", "养殖", "农业", "合作社"), "A0100"),
)
"""Words of a name and the industry they tell; the first that fits counts."""

DISTRICTS: dict[str, str] = {
    "东城": "110101",
    "西城": "110102",
    "朝阳": "110105",
    "丰台": "110106",
    "石景山": "110107",
    "海淀": "110108",
    "门头沟": "110109",
    "房山": "110111",
    "通州": "110112",
    "顺义": "110113",
    "昌平": "110114",
    "大兴": "110115",
    "怀柔": "110116",
    "平谷": "110117",
    "密云": "110118",
    "延庆": "110119",
}
"""Beijing's districts (GB/T 2260)."""

FORMER_DISTRICTS: dict[str, str] = {
    "110103": "110101",  # 崇文 joined 东城 in 2010
    "110104": "110102",  # 宣武 joined 西城 in 2010
    "110221": "110114",
    "110222": "110113",
    "110223": "110112",
    "110224": "110115",
    "110226": "110117",
    "110227": "110116",
    "110228": "110118",
    "110229": "110119",
}
"""District codes of former counties and merged districts to today's."""


def guess_industry(name: str) -> str | None:
    """Section and division a normalised name tells, or ``None``."""
    return next((code for words, code in INDUSTRY_WORDS if any(w in name for w in words)), None)


def guess_region(name: str, code: str | None, authority: str | None) -> str | None:
    """District from the code's characters 3 to 8, else from the name, else of the authority."""
    if code:
        return FORMER_DISTRICTS.get(code[2:8], code[2:8])
    return next((d for word, d in DISTRICTS.items() if word in name), authority)


_SERIES: tuple[tuple[tuple[str, ...], int], ...] = (
    (("MAF",), 2025),
    (("MAE",), 2024),
    (("MAC", "MAD"), 2023),
    (("MA7", "MAB"), 2022),
    (("MA02", "MA03", "MA04", "MA8", "MA9", "MAA"), 2021),
    (("MA01",), 2018),
    (("MA",), 2016),
    (("32", "33", "34", "35"), 2015),
    (("08", "09", "30", "31", "39"), 2014),
    (("06", "07"), 2013),
    (("05", "59"), 2012),
    (("57", "58"), 2011),
    (("55", "56"), 2010),
    (("68", "69"), 2009),
    (("67",), 2008),
    (("66",), 2007),
    (("78", "79"), 2006),
    (("77",), 2005),
    (("76",), 2004),
    (("75",), 2003),
    (("74",), 2002),
    (("73",), 2001),
    (("72",), 2000),
    (("70", "71"), 1999),
    (("80",), 1998),
    (("60", "61", "62", "63"), 1995),
    (("1", "2", "4"), 1992),
)
"""First characters of the organisation code (9 to 17 of the code) and about when they were given out.

Numbers are given out in series (GB 11714), so the first ones tell roughly when. [K]: the years of the
MA series agree with the earliest sightings in the sources; those of the older, numeric series are
general knowledge that nothing in the sources can confirm.
"""


def guess_established(code: str | None) -> date | None:
    """First day of the year in which codes of this series were given out; ``None`` when not told."""
    if not code:
        return None
    return next((date(year, 1, 1) for series, year in _SERIES if code[8:].startswith(series)), None)


def guess_type(name: str, code: str | None) -> str:
    """Enterprise type from the code's first two characters and the words of the name."""
    if code and code[:2] == "92":
        return "individual_business"
    if code and code[:2] == "93":
        return "cooperative"
    if code and code[0] != "9":
        return "non_enterprise"
    if name.endswith(("分公司", "分店", "营业部", "分社", "分行", "支行", "分部", "门市部")):
        return "branch"
    if "合伙" in name:
        return "partnership"
    if "股份有限公司" in name:
        return "joint_stock"
    if "公司" in name or code:
        return "limited_company"
    if "专业合作社" in name:
        return "cooperative"
    if name.endswith(("学校", "大学", "学院", "医院", "委员会", "协会", "图书馆", "幼儿园", "出版社", "村民委员会")):
        return "non_enterprise"
    return "unknown"
