"""The papers that published cells are from."""

from darts_tf.genotypes.publication import Paper

DARTS = Paper(
    "H. Liu, K. Simonyan, Y. Yang",
    "DARTS: Differentiable Architecture Search",
    "ICLR 2019",
    "1806.09055",
)
PC_DARTS = Paper(
    "Y. Xu, L. Xie, X. Zhang, X. Chen, G.-J. Qi, Q. Tian, H. Xiong",
    "PC-DARTS: Partial Channel Connections for Memory-Efficient Architecture Search",
    "ICLR 2020",
    "1907.05737",
)
PDARTS = Paper(
    "X. Chen, L. Xie, J. Wu, Q. Tian",
    "Progressive Differentiable Architecture Search: "
    "Bridging the Depth Gap between Search and Evaluation",
    "ICCV 2019",
    "1904.12760",
)
SNAS = Paper(
    "S. Xie, H. Zheng, C. Liu, L. Lin",
    "SNAS: Stochastic Neural Architecture Search",
    "ICLR 2019",
    "1812.09926",
)
GDAS = Paper(
    "X. Dong, Y. Yang",
    "Searching for a Robust Neural Architecture in Four GPU Hours",
    "CVPR 2019",
    "1910.04465",
)
NASNET = Paper(
    "B. Zoph, V. Vasudevan, J. Shlens, Q. V. Le",
    "Learning Transferable Architectures for Scalable Image Recognition",
    "CVPR 2018",
    "1707.07012",
)
AMOEBANET = Paper(
    "E. Real, A. Aggarwal, Y. Huang, Q. V. Le",
    "Regularized Evolution for Image Classifier Architecture Search",
    "AAAI 2019",
    "1802.01548",
)
NAS_BENCH_201 = Paper(
    "X. Dong, Y. Yang",
    "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search",
    "ICLR 2020",
    "2001.00326",
)
DRNAS = Paper(
    "X. Chen, R. Wang, M. Cheng, X. Tang, C.-J. Hsieh",
    "DrNAS: Dirichlet Neural Architecture Search",
    "ICLR 2021",
    "2006.10355",
)
ENAS = Paper(
    "H. Pham, M. Y. Guan, B. Zoph, Q. V. Le, J. Dean",
    "Efficient Neural Architecture Search via Parameter Sharing",
    "ICML 2018",
    "1802.03268",
)
