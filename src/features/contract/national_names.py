"""Names of national codes that the contract's text columns hold: sections of industry, districts.

Chinese names are the standards', English ones translations of the sections and the usual spelling of the places.
Sources: GB/T 4754-2017 国民经济行业分类, its 20 sections; GB/T 2260 中华人民共和国行政区划代码, the provinces, the
prefectures of those that have policies here, and the districts of Beijing, whose records have an adapter ("1101" is
there "市辖区" alone). A code that isn't here has no name, and is shown as it is.
"""

from __future__ import annotations

from features.contract.types import CodeList


def _read(name: str, lines: str) -> CodeList:
    """Build a list from lines of code, Chinese name and English name."""
    rows = (line.split(maxsplit=2) for line in lines.strip().splitlines())
    return CodeList(name, {code: (en, zh) for code, zh, en in rows})


INDUSTRY_SECTION = _read(
    "industry_section",
    """
    A 农、林、牧、渔业 agriculture, forestry, animal husbandry and fishery
    B 采矿业 mining
    C 制造业 manufacturing
    D 电力、热力、燃气及水生产和供应业 electricity, heat, gas and water
    E 建筑业 construction
    F 批发和零售业 wholesale and retail
    G 交通运输、仓储和邮政业 transport, storage and post
    H 住宿和餐饮业 lodging and catering
    I 信息传输、软件和信息技术服务业 information transmission, software and IT services
    J 金融业 finance
    K 房地产业 real estate
    L 租赁和商务服务业 leasing and business services
    M 科学研究和技术服务业 research and technical services
    N 水利、环境和公共设施管理业 water, environment and public facilities
    O 居民服务、修理和其他服务业 household, repair and other services
    P 教育 education
    Q 卫生和社会工作 health and social work
    R 文化、体育和娱乐业 culture, sports and entertainment
    S 公共管理、社会保障和社会组织 public administration, social security and organisations
    T 国际组织 international organisations
    """,
)

DISTRICT = _read(
    "district",
    """
    11 北京市 Beijing
    12 天津市 Tianjin
    13 河北省 Hebei
    14 山西省 Shanxi
    15 内蒙古自治区 Inner Mongolia
    21 辽宁省 Liaoning
    22 吉林省 Jilin
    23 黑龙江省 Heilongjiang
    31 上海市 Shanghai
    32 江苏省 Jiangsu
    33 浙江省 Zhejiang
    34 安徽省 Anhui
    35 福建省 Fujian
    36 江西省 Jiangxi
    37 山东省 Shandong
    41 河南省 Henan
    42 湖北省 Hubei
    43 湖南省 Hunan
    44 广东省 Guangdong
    45 广西壮族自治区 Guangxi
    46 海南省 Hainan
    50 重庆市 Chongqing
    51 四川省 Sichuan
    52 贵州省 Guizhou
    53 云南省 Yunnan
    54 西藏自治区 Tibet
    61 陕西省 Shaanxi
    62 甘肃省 Gansu
    63 青海省 Qinghai
    64 宁夏回族自治区 Ningxia
    65 新疆维吾尔自治区 Xinjiang
    1101 北京市辖区 districts of Beijing
    1301 石家庄市 Shijiazhuang
    1302 唐山市 Tangshan
    1303 秦皇岛市 Qinhuangdao
    1304 邯郸市 Handan
    1305 邢台市 Xingtai
    1306 保定市 Baoding
    1307 张家口市 Zhangjiakou
    1308 承德市 Chengde
    1309 沧州市 Cangzhou
    1310 廊坊市 Langfang
    1311 衡水市 Hengshui
    4101 郑州市 Zhengzhou
    4102 开封市 Kaifeng
    4103 洛阳市 Luoyang
    4104 平顶山市 Pingdingshan
    4105 安阳市 Anyang
    4106 鹤壁市 Hebi
    4107 新乡市 Xinxiang
    4108 焦作市 Jiaozuo
    4109 濮阳市 Puyang
    4110 许昌市 Xuchang
    4111 漯河市 Luohe
    4112 三门峡市 Sanmenxia
    4113 南阳市 Nanyang
    4114 商丘市 Shangqiu
    4115 信阳市 Xinyang
    4116 周口市 Zhoukou
    4117 驻马店市 Zhumadian
    6401 银川市 Yinchuan
    6402 石嘴山市 Shizuishan
    6403 吴忠市 Wuzhong
    6404 固原市 Guyuan
    6405 中卫市 Zhongwei
    110101 东城区 Dongcheng
    110102 西城区 Xicheng
    110105 朝阳区 Chaoyang
    110106 丰台区 Fengtai
    110107 石景山区 Shijingshan
    110108 海淀区 Haidian
    110109 门头沟区 Mentougou
    110111 房山区 Fangshan
    110112 通州区 Tongzhou
    110113 顺义区 Shunyi
    110114 昌平区 Changping
    110115 大兴区 Daxing
    110116 怀柔区 Huairou
    110117 平谷区 Pinggu
    110118 密云区 Miyun
    110119 延庆区 Yanqing
    """,
)
