"""Where methods are defined."""

DARTS = "Liu, Simonyan, Yang. DARTS: Differentiable Architecture Search. ICLR 2019"
I_DARTS = (
    "Jiang et al. Improved Differentiable Architecture Search for Language Modeling and Named "
    "Entity Recognition. EMNLP-IJCNLP 2019"
)
P_DARTS = (
    "Chen, Xie, Wu, Tian. Progressive Differentiable Architecture Search: Bridging the Depth Gap "
    "Between Search and Evaluation. ICCV 2019"
)
PC_DARTS = (
    "Xu et al. PC-DARTS: Partial Channel Connections for Memory-Efficient Architecture Search. "
    "ICLR 2020"
)
GDAS = "Dong, Yang. Searching for a Robust Neural Architecture in Four GPU Hours. CVPR 2019"
SNAS = "Xie, Zheng, Liu, Lin. SNAS: Stochastic Neural Architecture Search. ICLR 2019"
DRNAS = "Chen, Wang, Cheng, Tang, Hsieh. DrNAS: Dirichlet Neural Architecture Search. ICLR 2021"
FAIR_DARTS = (
    "Chu, Zhou, Zhang, Li. Fair DARTS: Eliminating Unfair Advantages in Differentiable "
    "Architecture Search. ECCV 2020"
)
DARTS_PT = (
    "Wang, Cheng, Chen, Tang, Hsieh. Rethinking Architecture Selection in Differentiable NAS. "
    "ICLR 2021"
)
OSTR_DARTS = (
    "Yang, Zheng, Han, Song, Huang, Li. OStr-DARTS: Differentiable Neural Architecture Search "
    "based on Operation Strength. arXiv 2409.14433"
)
ROBUST_DARTS = (
    "Zela, Elsken, Saikia, Marrakchi, Brox, Hutter. Understanding and Robustifying Differentiable "
    "Architecture Search. ICLR 2020"
)
DARTS_PLUS = (
    "Liang et al. DARTS+: Improved Differentiable Architecture Search with Early Stopping. "
    "arXiv 1909.06035"
)
DARTS_MINUS = (
    "Chu, Wang, Zhang, Lu, Wei, Yan. DARTS-: Robustly Stepping out of Performance Collapse Without "
    "Indicators. ICLR 2021"
)
GROWING = (
    "Jie, Gao. Differentiable Neural Architecture Search with Morphism-based Transformable "
    "Backbone Architectures. arXiv 2106.07211"
)
SPLITTING = (
    "Wu, Wang, Liu. Splitting Steepest Descent for Growing Neural Architectures. NeurIPS 2019"
)
TE_NAS = (
    "Chen, Gong, Wang. Neural Architecture Search on ImageNet in Four GPU Hours: A Theoretically "
    "Inspired Perspective. ICLR 2021"
)
SGAS = (
    "Li, Qian, Delgadillo, Mueller, Thabet, Ghanem. SGAS: Sequential Greedy Architecture Search. "
    "CVPR 2020"
)
SDARTS = (
    "Chen, Hsieh. Stabilizing Differentiable Architecture Search via Perturbation-based "
    "Regularization. ICML 2020"
)
TETLO = (
    "Sheth, Xie. Improving Differentiable Neural Architecture Search by Encouraging "
    "Transferability. ICLR 2023"
)
UNBIASED = (
    "Huang, Conche. Unbiased gradient estimators for differentiable architecture search. Slides, "
    "2019"
)
SCORE_FUNCTION = "Williams. Machine Learning 8, 1992"
RELAX = "Grathwohl, Choi, Wu, Roeder, Duvenaud. Backpropagation through the Void. ICLR 2018"
RAM = "Tokui, Sato. Evaluating the Variance of Likelihood-Ratio Gradient Estimators. ICML 2017"
RANDOM_WS = (
    "Li, Talwalkar. Random Search and Reproducibility for Neural Architecture Search. UAI 2019"
)
